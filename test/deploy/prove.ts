/**
 * `npm run deploy:proof`: every combination of parameters packaged and validated offline; the zips run by AWS's own runtime
 * client; then two stages deployed to an emulator of AWS, read back, deployed again, and removed; then the
 * release's template there. Needs python3 with venv, PyPI, and what a C++ program is built with.
 */
import assert from "node:assert/strict";
import { DescribeTableCommand } from "@aws-sdk/client-dynamodb";
import { Account } from "./account.ts";
import { startMoto } from "./moto.ts";
import { proveReleaseTemplate } from "./release-template.ts";
import { Report } from "./report.ts";
import {
  deploy,
  type Deployer,
  type Expected,
  makeNetwork,
  makeTable,
  printLacks,
  proveStage,
  rollBack,
  remove,
} from "./stacks.ts";
import { cli, jsonLines } from "../support/cli.ts";
import { proveRuntime } from "./runtime/prove.ts";
import { proveTemplates } from "./templates.ts";

const REGION = "eu-west-1";
const report = new Report();
const began = Date.now();

console.log("\nTemplates, for every combination of parameters");
await proveTemplates(report);

await proveRuntime(report);

const moto = await startMoto(REGION);
try {
  const account = new Account(moto.environment.AWS_ENDPOINT_URL ?? "", REGION);
  await proveDeployment({ account, environment: moto.environment, region: REGION });
  await proveReleaseTemplate(report, { account, region: REGION });
} finally {
  await moto.stop();
}
printLacks();
console.log(`\n${((Date.now() - began) / 1000).toFixed(0)} s\n${report.summary()}`);
process.exitCode = report.failed === 0 ? 0 : 1;

async function proveDeployment(to: Deployer): Promise<void> {
  const { account } = to;
  const of = (names: string[], stage: string) =>
    names.filter((name) => name.includes(`soketi-app-sync-${stage}`));

  console.log("\nAn empty account: network, an existing table");
  let network: Readonly<Record<string, string>> = {};
  let streamArn = "";
  await report.check("docs/network.yml makes what the parameters ask for", async () => {
    network = await makeNetwork(to);
    assert.match(network.securityGroupIds ?? "", /^sg-/);
    assert.match(network.subnetIds ?? "", /^subnet-\w+,subnet-\w+$/);
  });
  await report.check("a table with a stream", async () => {
    streamArn = await makeTable(to, "apps-of-old");
    assert.match(streamArn, /:table\/apps-of-old\/stream\//);
  });
  const before = await account.everything();

  const ofOne = { redisUrl: "redis://cache:6379" };
  console.log("\nStage one: its own table, no VPC, no shared cache");
  await report.check("serverless deploy --stage one", () => deploy(to, "one", ofOne));
  const { Table } = await account.dynamodb.send(new DescribeTableCommand({ TableName: "soketi-apps-one" }));
  const one: Expected = {
    stage: "one",
    table: "soketi-apps-one",
    streamArn: Table?.LatestStreamArn ?? "",
    functions: ["stream", "redrive", "canary"],
    environment: { REDIS_URL: "redis://cache:6379", SHARED_CACHE: "off", APP_SYNC_LOG_LENGTH: "10000" },
    subnets: [],
    moreOfStream: [],
  };
  await report.check("one: the table has soketi's index, and a stream of both images", () => {
    assert.deepEqual(
      Table?.GlobalSecondaryIndexes?.map(({ IndexName }) => IndexName),
      ["AppKeyIndex"],
    );
    assert.equal(Table.StreamSpecification?.StreamViewType, "NEW_AND_OLD_IMAGES");
  });
  await proveStage(report, to, one);
  await report.check("one: soketi-app-sync doctor finds table, stream and mapping well", async () => {
    const env = { ...to.environment, APP_MANAGER_DYNAMODB_TABLE: one.table };
    const result = await cli(["doctor", "--json"], { env });
    const [checks = []] = jsonLines<{ name: string; level: string; found: string }[]>(result);
    const notWell = checks
      .filter(({ level }) => level !== "ok")
      .map(({ name, found }) => `${name}: ${found}`);
    // The emulated account has no Redis, and what is in it was not looked at.
    const withoutRedis = ["log", "flushes", "clocks", "nodes", "canary"].map(
      (name) => `${name}: Redis could not be asked`,
    );
    assert.deepEqual(notWell, [
      "items: not requested: --items reads the whole table",
      "redis: none is configured",
      ...withoutRedis,
    ]);
    const mapping = checks.find(({ name }) => name === "event source mapping");
    assert.match(mapping?.found ?? "", /^soketi-app-sync-one-stream, enabled/);
  });
  const afterOne = await account.everything();

  console.log(
    "\nStage two beside it: the existing table, VPC, refreshed shared cache, login by IAM, a topic",
  );
  await report.check("serverless deploy --stage two", () =>
    deploy(to, "two", {
      ...network,
      streamArn,
      redisUrl: "rediss://cache:6379",
      redisIamCacheName: "apps",
      redisUsername: "app-sync",
      sharedCache: "refresh",
      alarmTopicArn: `arn:aws:sns:${REGION}:123456789012:ops`,
    }),
  );
  await proveStage(report, to, {
    stage: "two",
    table: "apps-of-old",
    streamArn,
    functions: ["stream", "redrive", "sweep", "canary"],
    environment: { REDIS_IAM_CACHE_NAME: "apps", REDIS_USERNAME: "app-sync", SHARED_CACHE: "refresh" },
    subnets: (network.subnetIds ?? "").split(","),
    moreOfStream: [
      "ec2:AssignPrivateIpAddresses",
      "ec2:CreateNetworkInterface",
      "ec2:DeleteNetworkInterface",
      "ec2:DescribeNetworkInterfaces",
      "ec2:DescribeSubnets",
      "ec2:UnassignPrivateIpAddresses",
      "elasticache:Connect",
    ],
  });
  await report.check("one is as it was, and everything new is two's", async () => {
    const now = await account.everything();
    assert.deepEqual(of(now, "one"), of(afterOne, "one"));
    assert.deepEqual(
      now.filter((name) => !afterOne.includes(name)),
      of(now, "two"),
    );
  });

  console.log("\nUpgrade and back");
  await report.check("serverless deploy again: nothing is made anew", async () => {
    await deploy(to, "one", ofOne);
    assert.deepEqual(of(await account.everything(), "one"), of(afterOne, "one"));
  });
  await report.check("serverless deploy with other parameters", () =>
    deploy(to, "one", { ...ofOne, sharedCache: "evict", logLength: "20000" }),
  );
  await proveStage(report, to, {
    ...one,
    functions: ["stream", "redrive", "sweep", "canary"],
    environment: { SHARED_CACHE: "evict", APP_SYNC_LOG_LENGTH: "20000" },
  });
  await report.check("serverless rollback to the deployment before: the sweep is gone", async () => {
    await rollBack(to, "one");
    assert.deepEqual(of(await account.everything(), "one"), of(afterOne, "one"));
  });
  await report.check("serverless deploy with the former parameters", async () => {
    await deploy(to, "one", ofOne);
    assert.deepEqual(of(await account.everything(), "one"), of(afterOne, "one"));
  });
  await report.check("wrong parameters leave everything as it is", async () => {
    await assert.rejects(
      deploy(to, "one", { ...ofOne, sharedCache: "yes" }),
      /expected off, evict or refresh/,
    );
    await assert.rejects(deploy(to, "three", {}), /expected the Redis/);
    assert.deepEqual(of(await account.everything(), "one"), of(afterOne, "one"));
    assert.ok(!(await account.stacks()).includes("soketi-app-sync-three"));
  });

  console.log("\nRemoval");
  await report.check("serverless remove --stage two leaves one, and the existing table", async () => {
    await remove(to, "two");
    assert.deepEqual(await account.everything(), afterOne);
  });
  await report.check("serverless remove --stage one leaves nothing but its table", async () => {
    await remove(to, "one");
    const left = (await account.everything()).filter((name) => !before.includes(name));
    assert.deepEqual(left, ["table soketi-apps-one"]);
    assert.deepEqual(await account.stacks(), ["soketi-network"]);
  });
}
