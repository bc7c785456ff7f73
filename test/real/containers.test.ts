import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DescribeTableCommand } from "@aws-sdk/client-dynamodb";
import { DockerfileParser } from "dockerfile-ast";
import { beforeAll, describe, expect, inject, it } from "vitest";
import { parse } from "yaml";
import { localDynamoDb } from "../../local/apps-table.ts";
import { freePort } from "../../local/free-port.ts";
import { startRelay } from "../../local/relay.ts";
import { startRedis } from "../../local/redis-server.ts";
import { type SoketiNode, startSoketi } from "../../local/soketi-node.ts";
import { agentFile } from "../../local/stack.ts";
import { cli, jsonLines } from "../support/cli.ts";
import { composeServices } from "../support/compose.ts";
import { eventually, item, outcomeOfConnecting, root } from "../support/fleet.ts";
import { keeping } from "../support/keeping.ts";

const read = (file: string) => readFileSync(join(root, "deploy/containers", file), "utf8");
const keep = keeping();
const dynamodbEndpoint = inject("dynamodbEndpoint");
const services = composeServices();
const APPS_TABLE = `apps-${randomUUID().slice(0, 8)}`;

/** A service's environment on this machine: the names of other services lead to what stands for them here. */
function environmentOf(name: string, redisUrl: string): Record<string, string> {
  const { hostname, port } = new URL(redisUrl);
  const here = (value: string) =>
    value
      .replace("http://dynamodb:8000", dynamodbEndpoint)
      .replace("redis://redis:6379", redisUrl)
      .replace(/^apps$/, APPS_TABLE);
  const environment = Object.entries(services[name]?.environment ?? {});
  expect(environment.length).toBeGreaterThan(4);
  return {
    ...Object.fromEntries(environment.map(([variable, value]) => [variable, here(value ?? "")])),
    ...(name === "relay" ? {} : { SOKETI_DB_REDIS_HOST: hostname, SOKETI_DB_REDIS_PORT: port }),
  };
}

/** What Docker does with a health check: 0 is healthy. */
function healthOf([kind, program, ...args]: readonly string[], from: number, to: number): number | null {
  expect([kind, program]).toEqual(["CMD", "node"]);
  const here = args.map((text) => text.replace(`127.0.0.1:${from}`, `127.0.0.1:${to}`));
  return spawnSync(process.execPath, here, { timeout: 60_000 }).status;
}

const makeTable = () =>
  spawnSync(process.execPath, [join(root, "deploy/containers/make-table.mjs")], {
    env: { PATH: process.env.PATH, DYNAMODB_ENDPOINT: dynamodbEndpoint, APPS_TABLE },
    encoding: "utf8",
  });

beforeAll(() => {
  expect(services.table?.command).toEqual(["node", "/make-table.mjs"]);
  expect(makeTable()).toMatchObject({ status: 0, stdout: `table ${APPS_TABLE} made\n` });
});

describe("make-table.mjs", () => {
  it("has made soketi's table with both images in its stream, and does nothing more the next time", async () => {
    expect(makeTable()).toMatchObject({ status: 0, stdout: `table ${APPS_TABLE} is there\n` });
    const dynamodb = localDynamoDb(dynamodbEndpoint);
    const { Table } = await dynamodb.send(new DescribeTableCommand({ TableName: APPS_TABLE }));
    dynamodb.destroy();
    expect(Table?.StreamSpecification?.StreamViewType).toBe("NEW_AND_OLD_IMAGES");
    expect(Table?.GlobalSecondaryIndexes?.map(({ IndexName }) => IndexName)).toEqual(["AppKeyIndex"]);
  });

  it("says what DynamoDB said when it could not", () => {
    const env = { PATH: process.env.PATH, DYNAMODB_ENDPOINT: dynamodbEndpoint, APPS_TABLE: "?" };
    const made = spawnSync(process.execPath, [join(root, "deploy/containers/make-table.mjs")], { env, encoding: "utf8" }); // prettier-ignore
    expect(made.status).toBe(1);
    expect(made.stderr).toMatch(/^Could not make the table \?: .*ValidationException/);
  });
});

describe("compose.yml, without Docker", () => {
  it("two nodes and a relay: healthy by their own checks, and a change by the command line reaches both", async () => {
    const redis = keep(await startRedis());
    const relayService = services.relay;
    expect(relayService?.command).toEqual(["relay"]);
    const env = environmentOf("relay", redis.url);
    const relay = keep(
      await startRelay({ dynamodbEndpoint, table: APPS_TABLE, env: { ...env, APP_SYNC_RELAY_HOST: "127.0.0.1" } }), // prettier-ignore
    );
    const nodes: SoketiNode[] = [];
    for (const name of ["soketi-1", "soketi-2"]) {
      nodes.push(
        keep(
          await startSoketi({
            name,
            agent: agentFile,
            dynamodbEndpoint,
            table: APPS_TABLE,
            env: environmentOf(name, redis.url),
          }),
        ),
      );
    }
    const check = relayHealthCheck();
    await eventually("the relay to be healthy", () =>
      Promise.resolve(healthOf(check, 9602, Number(new URL(relay.url).port)) === 0),
    );
    for (const [i, node] of nodes.entries()) {
      const test = services[`soketi-${i + 1}`]?.healthcheck?.test ?? [];
      expect(healthOf(test, 6001, node.port)).toBe(0);
      expect(node.child.output()).toContain("(APP_SYNC_REDIS_URL)");
    }
    expect(healthOf(check, 9602, await freePort())).toBe(1);
    expect(healthOf(services["soketi-1"]?.healthcheck?.test ?? [], 6001, await freePort())).toBe(1);

    // As docs/release.md has it, in the relay's container.
    const exec = (...args: string[]) => cli([...args, "--json"], { env });
    expect(await exec("nodes", "--expect", "2")).toMatchObject({ status: 0 });
    const set = ["AppKey=acme-key", "AppSecret=acme-secret"].flatMap((one) => ["--set", one]);
    const created = await exec("apps", "create", "acme", ...set);
    expect(jsonLines(created).at(-1), created.stderr).toBeDefined();
    expect(created.status, created.stdout + created.stderr).toBe(0);
    for (const node of nodes) expect(await outcomeOfConnecting(node, "acme-key")).toBe("connected");
    expect((await exec("apps", "disable", "acme")).status).toBe(0);
    for (const node of nodes) expect(await outcomeOfConnecting(node, "acme-key")).toBe(4003);
  });
});

function relayHealthCheck(): string[] {
  const instructions = DockerfileParser.parse(read("relay.Dockerfile")).getInstructions();
  const health =
    instructions.find((one) => one.getKeyword() === "HEALTHCHECK")?.getRawArgumentsContent() ?? "";
  return ["CMD", ...(JSON.parse(health.slice(health.indexOf("["))) as string[])];
}

describe.each<[string, () => Record<string, string>]>([
  ["helm-values.yaml", helmEnvironment],
  ["ecs-task-definition.json", ecsEnvironment],
])("%s", (_, environment) => {
  it("has an environment that starts a soketi with the agent", async () => {
    const redis = keep(await startRedis());
    const { hostname, port } = new URL(redis.url);
    const own = Object.fromEntries(
      Object.entries(environment())
        .filter(([name]) => name !== "NODE_OPTIONS")
        .map(([name, value]) => [
          name,
          { REDIS_HOST: hostname, REGION: "us-east-1", SECRET: redis.url, apps: APPS_TABLE }[value] ?? value,
        ]),
    );
    const env = { ...own, SOKETI_DB_REDIS_PORT: port };
    const options = { agent: agentFile, dynamodbEndpoint, table: APPS_TABLE, env };
    const node = keep(await startSoketi(options));
    expect(node.child.output()).toContain(`table "${APPS_TABLE}"`);
    expect(await outcomeOfConnecting(node, item("nobody").AppKey?.S ?? "")).toBe(4001);
  });
});

interface Variable {
  readonly name: string;
  readonly value?: string;
}
const asEnvironment = (variables: readonly Variable[]) =>
  Object.fromEntries(variables.map(({ name, value = "SECRET" }) => [name, value]));

function helmEnvironment(): Record<string, string> {
  const { app } = parse(read("helm-values.yaml")) as { app: { extraEnv: Variable[] } };
  return asEnvironment(app.extraEnv);
}

function ecsEnvironment(): Record<string, string> {
  const { containerDefinitions } = JSON.parse(read("ecs-task-definition.json")) as {
    containerDefinitions: { environment: Variable[]; secrets: { name: string }[] }[];
  };
  const [container] = containerDefinitions;
  const secrets = (container?.secrets ?? []).map(({ name }) => ({ name }));
  return asEnvironment([...(container?.environment ?? []), ...secrets]);
}
