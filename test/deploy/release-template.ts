import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { CreateStackCommand, DeleteStackCommand, waitUntilStackCreateComplete, waitUntilStackDeleteComplete } from "@aws-sdk/client-cloudformation"; // prettier-ignore
import { GetFunctionCommand } from "@aws-sdk/client-lambda";
import { CreateBucketCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { fileURLToPath } from "node:url";
import { zippedFunctions } from "../../deploy/release/functions.ts";
import { plainTemplate } from "../../deploy/template/plain-template.ts";
import type { Report } from "./report.ts";
import type { Deployer } from "./stacks.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const BUCKET = "code-of-the-release";
const StackName = "soketi-app-sync-plain";

/** The release's template, without the Serverless Framework: zips into a bucket, a stack, its parts, its removal. */
export async function proveReleaseTemplate(
  report: Report,
  { account, region }: Omit<Deployer, "environment">,
): Promise<void> {
  console.log("\nThe release's template, with its own table (whether its rules hold is not seen here)");
  const functions = zippedFunctions(root);
  const limits = { client: account.cloudformation, maxWaitTime: 60, minDelay: 1, maxDelay: 1 };
  const before = await account.everything();

  await report.check("plain: the zips are in a bucket, and CreateStack makes the stack", async () => {
    const template = await plainTemplate(root, new Map(functions.map(({ name, file }) => [name, file])));
    const LocationConstraint = region as "eu-west-1";
    await account.s3.send(
      new CreateBucketCommand({ Bucket: BUCKET, CreateBucketConfiguration: { LocationConstraint } }),
    );
    const put = (Key: string, Body: string | Uint8Array) =>
      account.s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body }));
    for (const { file, zip } of functions) await put(`release/${file}`, zip);
    await put("release/cloudformation.json", JSON.stringify(template));
    const parameters = { CodeBucket: BUCKET, CodePrefix: "release/", Stage: "plain", RedisUrl: "redis://cache:6379", SharedCache: "evict" }; // prettier-ignore
    await account.cloudformation.send(
      new CreateStackCommand({
        StackName,
        // Too large for the request itself.
        TemplateURL: `https://${BUCKET}.s3.${region}.amazonaws.com/release/cloudformation.json`,
        Capabilities: ["CAPABILITY_IAM"],
        Parameters: Object.entries(parameters).map(([ParameterKey, ParameterValue]) => ({ ParameterKey, ParameterValue })), // prettier-ignore
      }),
    );
    await waitUntilStackCreateComplete(limits, { StackName });
  });
  for (const { name, zip } of functions) {
    await report.check(
      `plain: function ${name} has the release's code, its role and its settings`,
      async () => {
        const { Configuration: is } = await account.lambda.send(new GetFunctionCommand({ FunctionName: `${StackName}-${name}` })); // prettier-ignore
        const made = await account.made(StackName);
        const role = made.get(`${name.charAt(0).toUpperCase()}${name.slice(1)}Role`) ?? "none";
        assert.equal(is?.CodeSha256, createHash("sha256").update(zip).digest("base64"));
        assert.equal(is.Role, `arn:aws:iam::123456789012:role/${role}`);
        const { REDIS_URL, APP_MANAGER_DYNAMODB_TABLE, SHARED_CACHE } = is.Environment?.Variables ?? {};
        assert.deepEqual(
          { REDIS_URL, APP_MANAGER_DYNAMODB_TABLE, SHARED_CACHE },
          { REDIS_URL: "redis://cache:6379", APP_MANAGER_DYNAMODB_TABLE: "soketi-apps-plain", SHARED_CACHE: "evict" }, // prettier-ignore
        );
      },
    );
  }
  await report.check("plain: the table's stream is mapped to the stream function", async () => {
    const [mapping, another] = await account.mappings(`${StackName}-stream`);
    assert.equal(another, undefined);
    assert.match(mapping?.EventSourceArn ?? "", /:table\/soketi-apps-plain\/stream\//);
  });
  await report.check("plain: DeleteStack leaves nothing but the table, and the user's bucket", async () => {
    await account.cloudformation.send(new DeleteStackCommand({ StackName }));
    await waitUntilStackDeleteComplete(limits, { StackName });
    const left = (await account.everything()).filter((name) => !before.includes(name));
    assert.deepEqual(left, [`bucket ${BUCKET}`, "table soketi-apps-plain"]);
  });
}
