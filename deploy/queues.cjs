/** Where ranges of the stream wait that failed, and where they lie that were given up. */
const { settings } = require("./parameters.cjs");

/** SQS' own limit, in seconds: 14 days. */
const LONGEST_RETENTION = 1_209_600;

const encryption = (is) =>
  is.queueKmsKeyArn ? { KmsMasterKeyId: is.queueKmsKeyArn } : { SqsManagedSseEnabled: true };

module.exports = async (sources) => {
  const is = await settings(sources);
  return {
    Resources: {
      FailureQueue: {
        Type: "AWS::SQS::Queue",
        Properties: {
          QueueName: `${is.name}-failures`,
          MessageRetentionPeriod: LONGEST_RETENTION,
          // Six times the redrive function's timeout, as Lambda asks.
          VisibilityTimeout: 360,
          ...encryption(is),
          RedrivePolicy: {
            deadLetterTargetArn: { "Fn::GetAtt": ["DeadLetterQueue", "Arn"] },
            // The most that there is: every six minutes for four days. Redis may be away for long, and after the
            // stream's 24 hours the range is replaced by a flush, which must still be tried.
            maxReceiveCount: 1000,
          },
        },
      },
      DeadLetterQueue: {
        Type: "AWS::SQS::Queue",
        Properties: {
          QueueName: `${is.name}-dead-letters`,
          // Counted from when a message first came to the failure queue.
          MessageRetentionPeriod: LONGEST_RETENTION,
          ...encryption(is),
        },
      },
    },
    Outputs: {
      FailureQueueUrl: {
        Description: "Where failed ranges of the stream wait",
        Value: { Ref: "FailureQueue" },
      },
      DeadLetterQueueUrl: {
        Description: "Where ranges lie that were given up",
        Value: { Ref: "DeadLetterQueue" },
      },
    },
  };
};
