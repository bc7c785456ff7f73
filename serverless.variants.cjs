/** What depends on the parameters: an own table or an existing one's stream, and the VPC. */

/** The documented apps table of soketi, with the stream that the function reads. It outlives the stack. */
const table = (tableName) => ({
  Resources: {
    AppsTable: {
      Type: "AWS::DynamoDB::Table",
      DeletionPolicy: "Retain",
      UpdateReplacePolicy: "Retain",
      Properties: {
        TableName: tableName,
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
        StreamSpecification: { StreamViewType: "NEW_AND_OLD_IMAGES" },
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        SSESpecification: { SSEEnabled: true },
      },
    },
  },
  Outputs: {
    AppsTableName: { Description: "soketi's SOKETI_APP_MANAGER_DYNAMODB_TABLE", Value: { Ref: "AppsTable" } },
  },
});

const list = (text) =>
  String(text ?? "")
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");

module.exports.table = async ({ resolveVariable }) =>
  (await resolveVariable("param:streamArn")) ? {} : table(await resolveVariable("param:tableName"));

/** An existing stream's table is the one in its ARN: under another name the nodes would listen elsewhere. */
module.exports.tableName = async ({ resolveVariable }) =>
  /:table\/([^/]+)\/stream\//.exec(await resolveVariable("param:streamArn"))?.[1] ??
  resolveVariable("param:tableName");

module.exports.streamArn = async ({ resolveVariable }) =>
  (await resolveVariable("param:streamArn")) || { "Fn::GetAtt": ["AppsTable", "StreamArn"] };

module.exports.vpc = async ({ resolveVariable }) => {
  const securityGroupIds = list(await resolveVariable("param:securityGroupIds"));
  const subnetIds = list(await resolveVariable("param:subnetIds"));
  if (securityGroupIds.length === 0 && subnetIds.length === 0) return false;
  if (securityGroupIds.length === 0 || subnetIds.length === 0) {
    throw new Error("expected securityGroupIds and subnetIds together, found only one of them");
  }
  return { securityGroupIds, subnetIds };
};
