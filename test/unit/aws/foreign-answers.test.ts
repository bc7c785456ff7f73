import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import {
  BatchGetItemCommand,
  DescribeTableCommand,
  GetItemCommand,
  QueryCommand,
  ScanCommand,
} from "@aws-sdk/client-dynamodb";
import { DescribeStreamCommand, GetRecordsCommand } from "@aws-sdk/client-dynamodb-streams";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type DynamoDb, openDynamoDb } from "../../../src/aws/clients.ts";

let server: Server;
let answer = "";
let clients: DynamoDb;

beforeEach(async () => {
  process.env.AWS_ACCESS_KEY_ID = "local";
  process.env.AWS_SECRET_ACCESS_KEY = "local";
  server = createServer((request, response) => {
    request.resume().on("end", () => response.end(answer));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  clients = openDynamoDb({ dynamodbEndpoint: `http://127.0.0.1:${port}`, region: "us-east-1" });
});

afterEach(() => {
  clients.tables.destroy();
  clients.streams.destroy();
  server.close();
});

const Key = { AppId: { S: "a" } };
const REQUESTS = {
  Scan: [() => clients.tables.send(new ScanCommand({ TableName: "apps" })), { Count: 0 }],
  Query: [() => clients.tables.send(new QueryCommand({ TableName: "apps" })), { Count: 0, Items: [] }],
  DescribeTable: [
    () => clients.tables.send(new DescribeTableCommand({ TableName: "apps" })),
    { Table: { TableName: "apps" } },
  ],
  BatchGetItem: [
    () => clients.tables.send(new BatchGetItemCommand({ RequestItems: { apps: { Keys: [Key] } } })),
    { Responses: {} },
  ],
  DescribeStream: [
    () => clients.streams.send(new DescribeStreamCommand({ StreamArn: "arn" })),
    { StreamDescription: {} },
  ],
  GetRecords: [() => clients.streams.send(new GetRecordsCommand({ ShardIterator: "it" })), { Records: [] }],
} as const;

describe("an answer", () => {
  it.each(Object.entries(REQUESTS))(
    "to %s that lacks what DynamoDB always says is another server's",
    async (name, [send, whole]) => {
      answer = "{}";
      await expect(send()).rejects.toMatchObject({
        code: "E_FOREIGN_ANSWER",
        message: expect.stringContaining(`DynamoDB's answer to ${name}`) as string,
      });
      answer = JSON.stringify(whole);
      await expect(send()).resolves.toMatchObject(whole);
    },
  );

  it("to GetItem may have no item, and never no body", async () => {
    const get = () => clients.tables.send(new GetItemCommand({ TableName: "apps", Key }));
    answer = "{}";
    await expect(get()).resolves.not.toHaveProperty("Item");
    answer = "";
    await expect(get()).rejects.toMatchObject({ code: "E_FOREIGN_ANSWER" });
  });
});
