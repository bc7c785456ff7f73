/** One role for each function, with what that function needs and on what it needs it. */
const { settings } = require("./parameters.cjs");

const arnOf = (service, resource) => ({
  "Fn::Sub": `arn:\${AWS::Partition}:${service}:\${AWS::Region}:\${AWS::AccountId}:${resource}`,
});
const getArn = (logicalId) => ({ "Fn::GetAtt": [logicalId, "Arn"] });
const allow = (Sid, Action, ...Resource) => ({ Sid, Effect: "Allow", Action, Resource });
const capital = (text) => text[0].toUpperCase() + text.slice(1);

/** The group is the stack's own, so nobody has to be allowed to make one. The star is its streams. */
const logs = (is, fn) =>
  allow(
    "WriteLogs",
    ["logs:CreateLogStream", "logs:PutLogEvents"],
    arnOf("logs", `log-group:/aws/lambda/${is.name}-${fn}:*`),
  );

/** With a key of the account's own, whoever sends needs data keys of it, and whoever receives has to decrypt with it (SQS guide). */
const queueKey = (is, ...actions) =>
  is.queueKmsKeyArn ? [{ ...allow("UseQueueKey", actions, is.queueKmsKeyArn), Condition: via("sqs") }] : [];

const streamOf = (is) => is.streamArn || { "Fn::GetAtt": ["AppsTable", "StreamArn"] };
const tableOf = (is) => (is.streamArn ? is.streamArn.replace(/\/stream\/.*$/, "") : getArn("AppsTable"));

const readStream = (is, ...more) =>
  allow(
    "ReadStream",
    ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", ...more],
    streamOf(is),
  );

/** With a key of the account's own, whoever reads the table or its stream has to be allowed to use that key. */
const tableKey = (is) =>
  is.tableKmsKeyArn
    ? [{ ...allow("DecryptTable", ["kms:Decrypt"], is.tableKmsKeyArn), Condition: via("dynamodb") }]
    : [];

/** The key may be used through that service only, not directly. The star is China's `.cn`. */
const via = (service) => ({
  StringLike: { "kms:ViaService": { "Fn::Sub": `${service}.\${AWS::Region}.amazonaws.com*` } },
});

/** How the function comes to its Redis password or token. Keys of AWS (aws/ssm, aws/secretsmanager) need no permission. */
function redisLogin(is) {
  if (is.redisSecretId) {
    const secret = is.redisSecretId.startsWith("arn:")
      ? is.redisSecretId
      : // AWS adds a hyphen and six characters to a secret's name.
        arnOf("secretsmanager", `secret:${is.redisSecretId}-??????`);
    return [
      allow("ReadRedisSecret", ["secretsmanager:GetSecretValue"], secret),
      ...redisKey(is, "secretsmanager"),
    ];
  }
  if (is.redisPasswordParameter) {
    const parameter = arnOf("ssm", `parameter/${is.redisPasswordParameter.replace(/^\//, "")}`);
    return [allow("ReadRedisPassword", ["ssm:GetParameter"], parameter), ...redisKey(is, "ssm")];
  }
  if (is.redisIamCacheName) {
    const kind = is.redisIamServerless === "on" ? "serverlesscache" : "replicationgroup";
    return [
      allow(
        "ConnectToRedis",
        ["elasticache:Connect"],
        arnOf("elasticache", `${kind}:${is.redisIamCacheName}`),
        arnOf("elasticache", `user:${is.redisUsername}`),
      ),
    ];
  }
  return [];
}

const redisKey = (is, service) =>
  is.redisKmsKeyArn
    ? [{ ...allow("DecryptRedisPassword", ["kms:Decrypt"], is.redisKmsKeyArn), Condition: via(service) }]
    : [];

/**
 * Lambda itself uses these to put the function into the VPC; the function's code is denied them. `Describe…` knows no
 * resource; the others have to reach every interface and subnet of the account (Lambda developer guide, "VPC"), and a
 * subnet that another account shares has that account in its ARN.
 */
function network(is, fn) {
  if (!is.vpc) return [];
  const change = [
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
  ];
  const describe = ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"];
  return [
    allow(
      "JoinVpc",
      change,
      arnOf("ec2", "network-interface/*"),
      // Any account's: only subnets that are shared with this one can be joined.
      { "Fn::Sub": "arn:${AWS::Partition}:ec2:${AWS::Region}:*:subnet/*" },
      { "Fn::Sub": "arn:${AWS::Partition}:ec2:${AWS::Region}:*:security-group/*" },
    ),
    allow("SeeVpc", describe, "*"),
    {
      Sid: "NotFromTheCode",
      Effect: "Deny",
      Action: [...change, ...describe],
      Resource: ["*"],
      Condition: { ArnEquals: { "lambda:SourceFunctionArn": arnOf("lambda", `function:${is.name}-${fn}`) } },
    },
  ];
}

/** A range that is read again does not tell how its apps are now. */
const refreshes = (is) =>
  is.sharedCache === "refresh" ? [allow("ReadApps", ["dynamodb:BatchGetItem"], tableOf(is))] : [];

const STATEMENTS = {
  stream: (is) => [
    // The mapping asks for ListStreams too, though it is told which stream.
    readStream(is, "dynamodb:ListStreams"),
    allow("KeepFailures", ["sqs:SendMessage"], getArn("FailureQueue")),
    ...queueKey(is, "kms:GenerateDataKey", "kms:Decrypt"),
  ],
  redrive: (is) => [
    allow(
      "TakeFailures",
      ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
      getArn("FailureQueue"),
    ),
    ...queueKey(is, "kms:Decrypt"),
    readStream(is),
    ...refreshes(is),
  ],
  sweep: (is) => [allow("ReadApps", ["dynamodb:Scan", "dynamodb:BatchGetItem"], tableOf(is))],
  canary: (is) => [
    {
      ...allow("WriteItsItem", ["dynamodb:PutItem"], tableOf(is)),
      Condition: {
        "ForAllValues:StringEquals": { "dynamodb:LeadingKeys": [is.canaryAppId] },
        // "For all" holds of none, too (IAM user guide, "Set operators").
        Null: { "dynamodb:LeadingKeys": "false" },
      },
    },
  ],
};

const role = (is, fn) => ({
  Type: "AWS::IAM::Role",
  Properties: {
    Description: `The function ${is.name}-${fn}`,
    Path: is.rolePath,
    ...(is.permissionsBoundaryArn ? { PermissionsBoundary: is.permissionsBoundaryArn } : {}),
    AssumeRolePolicyDocument: {
      Version: "2012-10-17",
      Statement: [
        { Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" },
      ],
    },
    Policies: [
      {
        PolicyName: fn,
        PolicyDocument: {
          Version: "2012-10-17",
          Statement: [
            logs(is, fn),
            ...STATEMENTS[fn](is),
            ...tableKey(is),
            ...redisLogin(is),
            ...network(is, fn),
          ],
        },
      },
    ],
  },
});

module.exports = async (sources) => {
  const is = await settings(sources);
  return { Resources: Object.fromEntries(is.functions.map((fn) => [`${capital(fn)}Role`, role(is, fn)])) };
};
