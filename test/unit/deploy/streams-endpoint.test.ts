import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createRequire } from "node:module";
import { DynamoDBStreamsClient, ListStreamsCommand } from "@aws-sdk/client-dynamodb-streams";
import { afterEach, expect, it } from "vitest";

const require = createRequire(import.meta.url);
const { environment } = require("../../../deploy/variants.cjs") as {
  environment: (sources: object) => Promise<Record<string, string>>;
};
const variable = "AWS_ENDPOINT_URL_DYNAMODB_STREAMS";

afterEach(() => {
  Reflect.deleteProperty(process.env, variable);
});

it("the parameter streamsEndpoint reaches the SDK, by the SDK's own variable", async () => {
  const variables = await environment({
    options: { param: ["streamsEndpoint=https://vpce-1.streams.dynamodb.eu-west-1.vpce.amazonaws.com"] },
    resolveVariable: (name: string) => Promise.resolve(name === "sls:stage" ? "prod" : "eu-west-1"),
  });
  expect(variables[variable]).toBe("https://vpce-1.streams.dynamodb.eu-west-1.vpce.amazonaws.com");

  const server = createServer((_request, response) => {
    response.setHeader("content-type", "application/x-amz-json-1.0");
    response.end(JSON.stringify({ Streams: [{ StreamArn: "heard" }] }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  process.env[variable] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = new DynamoDBStreamsClient({
    region: "eu-west-1",
    credentials: { accessKeyId: "id", secretAccessKey: "key" },
  });
  try {
    const { Streams } = await client.send(new ListStreamsCommand({}));
    expect(Streams).toEqual([{ StreamArn: "heard" }]);
  } finally {
    client.destroy();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});
