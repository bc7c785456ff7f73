import { CreateTableCommand, DynamoDBClient, waitUntilTableExists } from "@aws-sdk/client-dynamodb";

/** A client of a local DynamoDB, which takes any credentials. */
export function localDynamoDb(endpoint: string): DynamoDBClient {
  return new DynamoDBClient({
    endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
  });
}

/**
 * Creates an apps table as soketi's documentation has it: `AppId` is the hash key, `AppKeyIndex` finds an app by its
 * key; with the stream that this project reads.
 *
 * @returns the ARN of the stream.
 */
export async function createAppsTable(client: DynamoDBClient, table: string): Promise<string> {
  const { TableDescription } = await client.send(
    new CreateTableCommand({
      TableName: table,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [
        { AttributeName: "AppId", AttributeType: "S" },
        { AttributeName: "AppKey", AttributeType: "S" },
      ],
      KeySchema: [{ AttributeName: "AppId", KeyType: "HASH" }],
      GlobalSecondaryIndexes: [
        {
          IndexName: "AppKeyIndex",
          KeySchema: [{ AttributeName: "AppKey", KeyType: "HASH" }],
          Projection: { ProjectionType: "ALL" },
        },
      ],
      StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_AND_OLD_IMAGES" },
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 30, minDelay: 1, maxDelay: 1 }, { TableName: table });
  const arn = TableDescription?.LatestStreamArn;
  if (arn === undefined) throw new Error(`expected table ${table} to have a stream, found none`);
  return arn;
}
