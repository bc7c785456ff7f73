/** How it is known that a command in a document does what it is there for. */
export type Proof =
  /** Run as it stands, on the run's real Redis and DynamoDB Local: test/real/commands.test.ts. */
  | {
      readonly by: "run";
      readonly exit?: number;
      /** It goes on until it is ended with Ctrl-C, which happens when it has said this. */
      readonly until?: string;
      /** Given besides, so that runs do not meet. */
      readonly also?: readonly string[];
    }
  /** A step of .ci/run. */
  | { readonly by: "ci" }
  /** Run by a file, which has all these words. */
  | { readonly by: "test"; readonly file: string; readonly words: readonly string[] }
  /** Too long, or too much of an effect, to be run by a test: the npm script, its file and its options are there. */
  | { readonly by: "script"; readonly why: string }
  /** Of a program that is not here, or of somebody's account: its shell syntax is checked, and nothing else. */
  | { readonly by: "foreign"; readonly why: string };

const run = (more: { exit?: number; until?: string; also?: readonly string[] } = {}): Proof => ({
  by: "run",
  ...more,
});
const ci: Proof = { by: "ci" };
const test = (file: string, ...words: string[]): Proof => ({ by: "test", file, words });
const script = (why: string): Proof => ({ by: "script", why });
const foreign = (why: string): Proof => ({ by: "foreign", why });

const NO_WAIT = { also: ["--no-wait"] };
const LONG = script("takes minutes to hours and writes its table into a document");
const ACCOUNT = foreign("acts on an AWS account; no emulator takes the aws command here");
const DOCKER = foreign("no Docker here; test/real/containers.test.ts runs what it would run, without it");
const GIT = foreign("of the user's own clone");
const proveDeploy = (...words: string[]) => test("test/deploy/stacks.ts", ...words);

/**
 * Every command of README.md, CONTRIBUTING.md and docs, as test/support/commands-in-documents.ts reads it. One that is
 * missing here, and one that is in no document any more, fails test/unit/docs/commands.test.ts.
 */
export const DOCUMENTED_COMMANDS: Readonly<Record<string, Proof>> = {
  // The command line.
  // In this order: what comes later may need what was before.
  // No log and no node are here, which it must find.
  "soketi-app-sync doctor": run({ exit: 2 }),
  "soketi-app-sync nodes": run({ exit: 2 }),
  "soketi-app-sync nodes --watch 2s": run({ until: "no node is registered" }),
  "soketi-app-sync nodes --expect 4": run({ exit: 2 }),
  "soketi-app-sync nodes --forget": run({ exit: 2 }),
  "soketi-app-sync get acme": run(),
  "soketi-app-sync normalize item.json": run(),
  "soketi-app-sync validate": run(),
  "soketi-app-sync validate --json": run(),
  "soketi-app-sync validate --fix --dry-run": run({ exit: 2 }),
  "soketi-app-sync validate --fix --yes --backup before.jsonl": run(),
  "soketi-app-sync validate --restore before.jsonl --yes": run(),
  // Nobody reads this table's stream: test/real/cli-apps.test.ts has them wait for real nodes.
  "soketi-app-sync apps list": run(),
  "soketi-app-sync apps list --where enabled=false --where webhooks": run(),
  "soketi-app-sync apps list --sort -maxConnections --limit 10 --columns id,maxConnections": run(),
  "soketi-app-sync apps list --where problems --json": run(),
  "soketi-app-sync apps export apps.jsonl": run(),
  "soketi-app-sync apps import apps.jsonl --dry-run": run(),
  "soketi-app-sync apps import apps.jsonl --yes --backup replaced.jsonl": run({ also: ["--no-wait"] }),
  "soketi-app-sync apps import replaced.jsonl --yes": test(
    "test/real/cli-export.test.ts",
    '"import", backup, "--yes"',
  ),
  "soketi-app-sync apps create initech --set MaxConnections=100": run(NO_WAIT),
  "soketi-app-sync apps update acme --set MaxConnections=200 --unset MaxEventPayloadInKb": run(NO_WAIT),
  "soketi-app-sync apps disable acme": run(NO_WAIT),
  "soketi-app-sync apps enable acme": run(NO_WAIT),
  "soketi-app-sync apps rotate-secret acme --overlap 24h": run(NO_WAIT),
  "soketi-app-sync apps end-overlap acme": run(NO_WAIT),
  "soketi-app-sync apps disable acme globex": run(NO_WAIT),
  "soketi-app-sync apps update --all --where … --set MaxConnections=1000 --dry-run": test(
    "test/real/cli-many.test.ts",
    '"disable", "--all", "--where"',
    '"--dry-run"',
  ),
  "soketi-app-sync apps rotate-secret --all --where … --overlap 24h --out secrets.jsonl --yes": test(
    "test/real/cli-many.test.ts",
    '"rotate-secret"',
    '"--overlap"',
    '"--out"',
  ),
  "soketi-app-sync apps end-overlap --all --where previousSecretUntil --yes": test(
    "test/real/cli-many.test.ts",
    '"end-overlap"',
    '"previousSecretUntil"',
  ),
  "soketi-app-sync apps rotate-key acme": run(NO_WAIT),
  "soketi-app-sync apps delete acme --yes": run(NO_WAIT),
  "soketi-app-sync invalidate acme globex": run({ exit: 3 }),
  "soketi-app-sync invalidate --all --where … --yes": test(
    "test/real/cli-many.test.ts",
    '"invalidate", "--all"',
  ),
  "soketi-app-sync flush": run({ exit: 3 }),
  "soketi-app-sync flush --reason …": run({ exit: 3 }),
  // Without a node there is nobody to wait for: test/real/canary.test.ts has two.
  "soketi-app-sync measure --writes 100": run({ exit: 2 }),
  "soketi-app-sync tail --since all --no-follow --json": run(),
  "soketi-app-sync tail": test("test/real/cli-doctor.test.ts", '"tail"'),
  "soketi-app-sync tail --since 10m --app acme": test(
    "test/real/cli-doctor.test.ts",
    '"tail"',
    '"--since"',
    '"--app"',
  ),
  "soketi-app-sync sweep": test("test/real/redis-acl.test.ts", '"sweep"'),
  "soketi-app-sync console": run({ until: "Console: http", also: ["--port", "0"] }),
  "soketi-app-sync relay": run({ until: "this relay is active", also: ["--port", "0"] }),
  "soketi-app-sync redrive --shard … --from 100 --to 200": test(
    "test/real/redrive.test.ts",
    '"--shard"',
    '"--from"',
    '"--to"',
  ),

  // Trying it, building it, testing it.
  "npm ci": ci,
  "npm start -- --once": ci,
  "npm start -- --relay": test("test/real/relay.test.ts", '"--relay"', "local/start.ts"),
  "npm start": test("test/real/start.test.ts", "local/start.ts"),
  "npm test": ci,
  "npm run build": ci,
  "npm run build:types": test("package.json", "npm run --silent build:types"),
  "npm run deploy:proof": ci,
  "npm run spelling": ci,
  "npm run versions:proof": ci,
  "npm run test:sockudo": ci,
  "npm run check": script("its parts are steps of .ci/run"),
  "npm run format": script("rewrites the working tree"),
  "npx vitest run --project unit": test("vitest.config.ts", 'name: "unit"'),
  "npx vitest run --project unit test/unit/agent": test("vitest.config.ts", 'name: "unit"'),
  "npx vitest run --project real test/real/redis-acl.test.ts": test("vitest.config.ts", 'name: "real"'),
  "npx vitest run --sequence.shuffle": test("test/support/longest-first.ts", "if (shuffle)", "seed"),
  "npm run simulate": LONG,
  "npm run simulate -- --servers --seeds 2000": LONG,
  "npm run simulate -- --mutants": LONG,
  "npm run simulate -- --mutants --servers --seeds 5000": LONG,
  "npm run chaos": LONG,
  "npm run chaos -- --fault … --seed 2": LONG,
  "npm run chaos:repeated": LONG,
  "npm run chaos:pipeline": LONG,
  "npm run chaos:pipeline -- --bulk": LONG,
  "npm run chaos:relay": LONG,
  "npm run chaos:connections": LONG,
  "npm run chaos:webhooks": LONG,
  "npm run chaos:clients": LONG,
  "npm run chaos:rotation": LONG,
  "npm run mutate": LONG,
  "npm run bench:staleness": LONG,
  "npm run bench:bus": LONG,
  "npm run bench:drop": LONG,
  "npm run bench:announce": LONG,
  "npm run bench:relay": LONG,
  "npm run bench:sockudo": LONG,
  "npm run bench:lookup": LONG,
  "npm run bench:soketi": LONG,
  "npm run bench:refresh": LONG,
  "npm run bench:cold": LONG,
  "npm run bench:costs": test("test/unit/docs/costs.test.ts", "costTable()"),
  "npm run bench:pipeline": LONG,
  "npm run bench:growth": LONG,
  "npm run bench:many": LONG,
  "npm run screenshots": script("draws pictures; the same page is tested by test/real/console.test.ts"),
  "npm run monitoring:render": script("takes minutes and draws a picture"),
  "npm run site": ci,
  "npm run release": test("test/real/release.test.ts", "deploy/release/make.ts"),
  "npm pack": test("test/real/shipped.test.ts", '"npm", ["pack"'),
  "npm version minor": foreign("npm's own; makes a commit and a tag"),
  "redis-cli GET …": test("test/real/relay.test.ts", "relay.lease"),
  "sha256sum dist/agent.cjs": foreign("of coreutils"),
  "sha256sum --check SHA256SUMS": test("test/real/release.test.ts", "sha256sum --check SHA256SUMS"),
  "tar -xzf containers.tar.gz": test("test/real/release.test.ts", "docs/release.md"),
  "tar -xzf terraform.tar.gz": test("test/real/release.test.ts", "docs/release.md"),
  "docker compose --env-file containers/local.env -f containers/compose.yml up --build -d": DOCKER,
  "docker compose -f containers/compose.yml exec relay soketi-app-sync nodes --expect 2": DOCKER,
  "docker compose -f containers/compose.yml exec relay soketi-app-sync apps create acme --set AppKey=acme-key --set AppSecret=acme-secret":
    DOCKER,

  // The agent.
  "soketi start": test("local/soketi-node.ts", "NODE_OPTIONS", '--require "', '"start"'),
  "npm install …": test("test/real/shipped.test.ts", '"npm", ["install"'),
  // From a tarball there; into the place for all, with a soketi beside it, is npm's own.
  "npm install -g @soketi/soketi …": test("test/real/shipped.test.ts", '"npm", ["install"'),
  "kubectl create configmap app-sync --from-file=agent.cjs": foreign("acts on a cluster"),

  // The deployment.
  "npx serverless deploy": proveDeploy('"deploy"'),
  "npx serverless deploy --stage prod": proveDeploy('"deploy"', '"--stage"'),
  "npx serverless deploy --stage prod --param=redisUrl --param=redisSecretId --param=tableName --param=securityGroupIds --param=subnetIds":
    proveDeploy('"deploy"', '"--stage"', "asOptions(parameters)"),
  "npx serverless deploy --stage prod --param=streamArn": proveDeploy('"deploy"', "asOptions(parameters)"),
  "npx serverless deploy --stage prod --region … --param=streamArn --param=redisUrl": proveDeploy(
    '"deploy"',
    '"--region"',
    "asOptions(parameters)",
  ),
  "npx serverless deploy list --stage prod": proveDeploy('"deploy", "list"'),
  "npx serverless rollback --stage prod --timestamp …": proveDeploy('"rollback"', '"--timestamp"'),
  "npx serverless remove --stage prod": proveDeploy('"remove", "--stage"'),
  "npx serverless logs --stage prod --function stream": ACCOUNT,
  "npx serverless logs --stage prod --function stream --filter ERROR --startTime 1h": ACCOUNT,
  "npx serverless invoke --stage prod --function sweep": ACCOUNT,
  "npx serverless invoke --stage prod --function canary": ACCOUNT,
  "git pull": GIT,
  "git checkout …": GIT,
  "aws sts get-caller-identity": ACCOUNT,
  "aws dynamodb scan": ACCOUNT,
  "aws cloudformation deploy --stack-name soketi-network --template-file docs/network.yml": test(
    "test/deploy/prove.ts",
    "docs/network.yml",
  ),
  "aws cloudformation describe-stacks --stack-name soketi-network --query … --output text": ACCOUNT,
  "aws cloudformation delete-stack --stack-name soketi-network": ACCOUNT,
  "aws s3 cp --recursive functions …": ACCOUNT,
  "aws cloudformation deploy --stack-name soketi-app-sync-prod --template-file cloudformation.json --s3-bucket … --capabilities CAPABILITY_IAM --tags service=soketi-app-sync stage=prod --parameter-overrides … CodePrefix=soketi-app-sync/ RedisUrl=rediss://redis.example.com:6379 TableName=apps":
    ACCOUNT,
  "aws sns create-topic --name soketi-alarms": ACCOUNT,
  "aws sns subscribe --topic-arn … --protocol email --notification-endpoint you@example.com": ACCOUNT,
  "aws dynamodb put-item --table-name apps --item …": ACCOUNT,
  "aws dynamodb update-table --table-name apps --stream-specification StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES":
    ACCOUNT,
  "aws dynamodb describe-table --table-name apps --query Table.LatestStreamArn --output text": ACCOUNT,
  "aws dynamodb update-table --region eu-west-1 --table-name apps --replica-updates …": ACCOUNT,
  "aws dynamodb describe-table --region … --table-name apps --query Table.LatestStreamArn --output text":
    ACCOUNT,
  "aws dynamodb delete-table --table-name soketi-apps-prod": ACCOUNT,
  "aws lambda update-event-source-mapping --uuid … --no-enabled": ACCOUNT,
  "aws sqs receive-message --queue-url … --visibility-timeout 0": ACCOUNT,
  "aws sqs start-message-move-task --source-arn …": ACCOUNT,
  "aws events list-rules --name-prefix …": ACCOUNT,
  "aws elasticache create-user --user-id app-sync --user-name app-sync --engine redis --no-password-required --authentication-mode Type=iam --access-string …":
    ACCOUNT,
  "aws elasticache create-user-group --user-group-id app-sync --engine redis --user-ids default app-sync":
    ACCOUNT,
};
