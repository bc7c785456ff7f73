import { describe, expect, it } from "vitest";
import { codeOf, explain } from "../../../src/cli/support/explain.ts";
import { rememberRequests } from "../../../src/aws/failed-request.ts";
import { RedisError } from "../../../src/redis/errors.ts";
import { readToolsConfig } from "../../../src/config/pipeline.ts";

const config = readToolsConfig({ APP_MANAGER_DYNAMODB_TABLE: "apps", AWS_REGION: "eu-west-9" });
const named = (name: string, more: object = {}) =>
  Object.assign(new Error("the SDK's own words"), { name, ...more });

describe("an error of AWS", () => {
  it.each<[string, RegExp]>([
    ["CredentialsProviderError", /^expected credentials for DynamoDB, found none: set AWS_PROFILE/],
    [
      "ResourceNotFoundException",
      /^expected table apps in region eu-west-9, found none: set --table, --region/,
    ],
    ["AccessDeniedException", /^DynamoDB does not allow this on table apps to these credentials/],
    ["UnrecognizedClientException", /check AWS_PROFILE and the region$/],
    ["InvalidSignatureException", /check the secret access key, and this machine's clock/],
    ["ExpiredTokenException", /have expired: sign in again$/],
  ])("%s is told in the user's words, with its name as the code", (name, words) => {
    expect(explain(named(name), config)).toMatch(words);
    expect(codeOf(named(name))).toBe(name);
  });

  it("that nobody has words for has its name as the code all the same", () => {
    expect(codeOf(named("TransactionConflictException"))).toBe("TransactionConflictException");
  });
});

it("of a local DynamoDB only the address is shown", () => {
  const local = readToolsConfig({ APP_MANAGER_DYNAMODB_ENDPOINT: "http://localhost:8000/former/path" });
  expect(explain(named("ResourceNotFoundException"), local)).toMatch(
    /^expected table apps at http:\/\/localhost:8000, found none/,
  );
});

it.each([
  ["Region is missing", "none"],
  ['Region not accepted: region="" is not a valid hostname component.', "none"],
  ['Region not accepted: region="eu central 1" is not a valid hostname component.', "something else"],
])("a region that is none is asked for, and not repeated: %s", (message, found) => {
  expect(explain(new Error(message), config)).toBe(
    `expected a region such as eu-central-1, found ${found}: set --region or AWS_REGION`,
  );
});

describe("the code of an error", () => {
  it.each<[string | undefined, unknown]>([
    ["E_USAGE", named("UsageError", { code: "E_USAGE" })],
    ["ECONNREFUSED", named("Error", { code: "ECONNREFUSED" })],
    ["TIMEOUT", named("TimeoutError")],
    [undefined, new TypeError("ours")],
    [undefined, "text"],
    [undefined, undefined],
  ])("is %s", (code, error) => {
    expect(codeOf(error)).toBe(code);
  });
});

describe("an error of a file", () => {
  it.each<[string, RegExp]>([
    ["ENOENT", /^expected a file \/x, found none$/],
    ["EISDIR", /^expected a file \/x, found a folder$/],
    ["EACCES", /^Could not use file \/x: permission denied \(EACCES\)$/],
  ])("%s names it", (code, words) => {
    expect(explain(named("Error", { code, path: "/x" }), config)).toMatch(words);
  });
});

/** What a command meets that sends a request to the given client. */
async function failedRequest(
  message: string,
  { name = "ValidationException", commandName = "ScanCommand" } = {},
): Promise<unknown> {
  const error = Object.assign(new Error(message), { name });
  type Handler = () => Promise<unknown>;
  let handler: Handler = () => Promise.reject(error);
  rememberRequests({
    middlewareStack: {
      add: (middleware: never) => {
        const made = middleware as (next: Handler, context: object) => (args: object) => Promise<unknown>;
        const wrapped = made(handler, { commandName });
        handler = () => wrapped({});
      },
    },
  });
  return handler().catch((reason: unknown) => reason);
}

it("a right that is missing is named, with the service that asks for it", async () => {
  const denied = async (commandName: string, name = "AccessDeniedException") =>
    explain(await failedRequest("no", { name, commandName }), config);
  expect(await denied("ScanCommand")).toBe(
    "DynamoDB does not allow dynamodb:Scan on table apps to these credentials: see docs/security.md",
  );
  expect(await denied("ListEventSourceMappingsCommand")).toBe(
    "Lambda does not allow lambda:ListEventSourceMappings to these credentials",
  );
  expect(await denied("ListEventSourceMappingsCommand", "UnrecognizedClientException")).toMatch(/^Lambda /);
});

it("doctor is recommended where key or index is wrong, and not for a table's name that cannot be one", async () => {
  const missing = await failedRequest("The table does not have the specified index: AppKeyIndex");
  expect(explain(missing, config)).toContain("doctor");
  const words = "Invalid table/index name.  Table/index names must be between 3 and 255 characters long";
  expect(explain(await failedRequest(words), config)).not.toContain("doctor");
  const value =
    "ExpressionAttributeValues contains invalid value: DynamoDB only supports precision up to 38 digits for key :v0";
  expect(explain(await failedRequest(value), config)).not.toContain("doctor");
});

it("a write that nobody answered may have been done, and a refused one has not", async () => {
  const unknown =
    /It may have been written all the same: check with "soketi-app-sync get" before you try again$/;
  for (const commandName of ["PutItemCommand", "UpdateItemCommand", "DeleteItemCommand"]) {
    const silent = await failedRequest("socket hang up", { name: "TimeoutError", commandName });
    expect(explain(silent, config)).toMatch(unknown);
    const refused = await failedRequest("Item size has exceeded the maximum allowed size", { commandName });
    expect(
      explain(Object.assign(refused as Error, { $metadata: { httpStatusCode: 400 } }), config),
    ).not.toMatch(unknown);
  }
  const read = await failedRequest("socket hang up", { name: "TimeoutError", commandName: "GetItemCommand" });
  expect(explain(read, config)).not.toMatch(unknown);
});

describe("a server of another kind", () => {
  const redis = readToolsConfig({ APP_MANAGER_DYNAMODB_TABLE: "apps", REDIS_URL: "redis://127.0.0.1:80" });

  it.each<[string, Error]>([
    ["at Redis' address", new Error('Unknown RESP type 72 "H". Please report this.')],
    ["to soketi's ioredis", new Error('Protocol error, got "H" as reply type byte. Please report this.')],
    [
      "at each address of a cluster",
      Object.assign(new Error("Failed to refresh slots cache."), {
        lastNodeError: new Error('Unknown RESP type 72 "H". Please report this.'),
      }),
    ],
    [
      "that answers in HTML",
      new Error("Unexpected token '<', \"<html>\" is not valid JSON\n  Deserialization error: see $response"),
    ],
  ])("%s is no library's own sentence", (_, cause) => {
    expect(explain(new RedisError("connect", cause), redis)).toBe(
      "Could not connect: Redis at 127.0.0.1:80/0 answers like another server: check host and port",
    );
  });

  it("that has no TLS is told in words", () => {
    const cause = Object.assign(new Error("write EPROTO 804C:error:0A00010B:SSL routines"), {
      code: "EPROTO",
    });
    expect(explain(new RedisError("connect", cause), redis)).toMatch(
      /does not speak TLS on that port \(EPROTO\)$/,
    );
  });
});
