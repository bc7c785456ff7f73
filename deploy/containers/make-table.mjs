// Makes the apps table of soketi's documentation, with its stream, in a DynamoDB Local that has just been started: compose.yml.
// With nothing but Node: DynamoDB Local wants a signature, and takes any.
const { DYNAMODB_ENDPOINT, APPS_TABLE } = process.env;
/** DynamoDB Local is up in some seconds. */
const LIMIT_MS = 60_000;
const PAUSE_MS = 500;

const table = {
  TableName: APPS_TABLE,
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
};

/** Undefined as long as nothing answers. */
async function create() {
  const headers = {
    "content-type": "application/x-amz-json-1.0",
    "x-amz-target": "DynamoDB_20120810.CreateTable",
    authorization:
      "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
  };
  const request = { method: "POST", headers, body: JSON.stringify(table) };
  const response = await fetch(DYNAMODB_ENDPOINT, request).catch(() => undefined);
  return response && { ok: response.ok, text: await response.text() };
}

const until = Date.now() + LIMIT_MS;
let answer = await create();
while (answer === undefined && Date.now() < until) {
  await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  answer = await create();
}
if (answer?.ok) console.log(`table ${APPS_TABLE} made`);
else if (answer?.text.includes("ResourceInUseException")) console.log(`table ${APPS_TABLE} is there`);
else {
  console.error(
    `Could not make the table ${APPS_TABLE}: ${answer?.text ?? `${DYNAMODB_ENDPOINT} does not answer`}`,
  );
  process.exitCode = 1;
}
