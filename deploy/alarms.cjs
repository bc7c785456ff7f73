/** Every alarm of the stack. docs/reference/alarms.md has an entry for each: what it means, where to look, what to do. */
const { settings } = require("./parameters.cjs");

const NAMESPACE = "soketi-app-sync";
const MINUTE = 60;
const capital = (text) => text[0].toUpperCase() + text.slice(1);

/** How the functions' own metrics are told apart between stages: POWERTOOLS_SERVICE_NAME. */
const ours = (is, MetricName) => ({
  Namespace: NAMESPACE,
  MetricName,
  Dimensions: [{ Name: "service", Value: is.name }],
});
const lambda = (fn, MetricName) => ({
  Namespace: "AWS/Lambda",
  MetricName,
  Dimensions: [{ Name: "FunctionName", Value: { Ref: `${capital(fn)}LambdaFunction` } }],
});
const queue = (logicalId, MetricName) => ({
  Namespace: "AWS/SQS",
  MetricName,
  Dimensions: [{ Name: "QueueName", Value: { "Fn::GetAtt": [logicalId, "QueueName"] } }],
});

/**
 * More than `threshold` in `needed` of the last `periods` periods, by default in each. Where nothing is reported, nothing
 * is wrong.
 */
const above = (
  threshold,
  Statistic,
  metric,
  { period = 5 * MINUTE, periods = 1, needed = periods } = {},
) => ({
  ...metric,
  Statistic,
  Period: period,
  EvaluationPeriods: periods,
  DatapointsToAlarm: needed,
  Threshold: threshold,
  ComparisonOperator: "GreaterThanThreshold",
  TreatMissingData: "notBreaching",
});

/**
 * Messages that wait, and those that a redrive holds. The age of the oldest message is no measure: SQS leaves out
 * whatever was received three times, and a range that fails is received every six minutes.
 */
const inQueue = (logicalId, periods) => {
  const part = (Id, MetricName) => ({
    Id,
    ReturnData: false,
    MetricStat: { Metric: queue(logicalId, MetricName), Period: 5 * MINUTE, Stat: "Maximum" },
  });
  return {
    Metrics: [
      // Either may have no data, and a sum of nothing is nothing: the alarm would never ring.
      { Id: "all", Expression: "FILL(waiting, 0) + FILL(held, 0)", Label: "Messages", ReturnData: true },
      part("waiting", "ApproximateNumberOfMessagesVisible"),
      part("held", "ApproximateNumberOfMessagesNotVisible"),
    ],
    EvaluationPeriods: periods,
    Threshold: 0,
    ComparisonOperator: "GreaterThanThreshold",
    TreatMissingData: "notBreaching",
  };
};

/** Alarms of each function on its own. */
const ofFunction = (fn) => ({
  [`${capital(fn)}Errors`]: [
    `The ${fn} function ended with an error or ran out of time.`,
    above(0, "Sum", lambda(fn, "Errors")),
  ],
  [`${capital(fn)}Throttles`]: [
    `The ${fn} function was throttled: the account's or its own concurrency is used up.`,
    above(0, "Sum", lambda(fn, "Throttles")),
  ],
});

const ofPipeline = (is) => ({
  // Lambda pauses for up to a minute between retries: a minute without a data point proves nothing.
  StreamBehind: [
    "Changes of the table waited for longer than a minute, in three minutes of five.",
    above(60_000, "Maximum", lambda("stream", "IteratorAge"), { period: MINUTE, periods: 5, needed: 3 }),
  ],
  PublishFailures: [
    "Redis did not take messages, in three minutes of five. They are retried.",
    above(0, "Sum", ours(is, "PublishFailures"), { period: MINUTE, periods: 5, needed: 3 }),
  ],
  InvalidItems: [
    "An app was written with problems: it may not be what its author meant.",
    above(0, "Sum", ours(is, "InvalidItems")),
  ],
  UnreadableRecords: [
    "A record of the stream names no app. Every node was flushed instead.",
    above(0, "Sum", ours(is, "UnreadableRecords")),
  ],
  FailuresWaiting: [
    "A range of the stream was given to the failure queue and is not redriven within a quarter of an hour.",
    inQueue("FailureQueue", 3),
  ],
  FailuresStuck: ["A range of the stream could not be redriven for an hour.", inQueue("FailureQueue", 12)],
  RedriveFailures: [
    "A redrive failed for half an hour: Redis, the stream or a message is at fault.",
    above(0, "Sum", ours(is, "RedriveFailures"), { period: 10 * MINUTE, periods: 3 }),
  ],
  RangesGone: [
    "A range was older than the stream's 24 hours. Every node was flushed instead.",
    above(0, "Sum", ours(is, "RangesGone")),
  ],
  DeadLetters: ["A range was given up after four days.", inQueue("DeadLetterQueue", 1)],
});

const ofSweep = (is) => {
  const atLeast = Math.max(is.sweepMinutes * MINUTE, 5 * MINUTE);
  return {
    AppsNotRefreshed: [
      "Apps may differ from the shared cache until the next sweep.",
      above(0, "Sum", ours(is, "AppsNotRefreshed")),
    ],
    SweepFailures: [
      "A sweep of the shared cache failed. The next one tries again.",
      above(0, "Sum", ours(is, "SweepFailures")),
    ],
    SweepNotRun: [
      "No sweep began within two intervals.",
      {
        ...lambda("sweep", "Invocations"),
        Statistic: "Sum",
        Period: atLeast,
        EvaluationPeriods: 2,
        Threshold: 1,
        ComparisonOperator: "LessThanThreshold",
        // No data point is what a sweep that does not run looks like.
        TreatMissingData: "breaching",
      },
    ],
  };
};

/** A change is late when it takes longer. Milliseconds; CANARY_BOUND_MS in src/protocol/canary.ts. */
const LATE_MS = 2_000;

/** No data point is what a pipeline looks like that stopped in silence, and a canary that does not run. */
const orMissing = (condition) => ({ ...condition, TreatMissingData: "breaching" });

const ofCanary = (is) => {
  const period = is.canaryMinutes * MINUTE;
  return {
    CanaryLate: [
      "A change took longer than 2 s from the table to the last node, in three runs of the canary of five.",
      above(LATE_MS, "Maximum", ours(is, "CanaryTime"), { period, periods: 5, needed: 3 }),
    ],
    CanaryIncomplete: [
      "A change did not reach every node within 20 s, or no node is registered, or nothing was measured, in two runs of three.",
      orMissing(above(0, "Maximum", ours(is, "CanaryIncomplete"), { period, periods: 3, needed: 2 })),
    ],
    CanaryNotRun: [
      "No canary began within three intervals.",
      orMissing({
        ...lambda("canary", "Invocations"),
        Statistic: "Sum",
        Period: period,
        EvaluationPeriods: 3,
        Threshold: 1,
        ComparisonOperator: "LessThanThreshold",
      }),
    ],
  };
};

/** Every alarm by its name. */
const alarmsOf = (is) => ({
  ...ofPipeline(is),
  ...Object.assign({}, ...is.functions.map(ofFunction)),
  ...(is.shared ? ofSweep(is) : {}),
  ...(is.canary === "on" ? ofCanary(is) : {}),
});

module.exports = async (sources) => {
  const is = await settings(sources);
  const actions = is.alarmTopicArn ? [is.alarmTopicArn] : [];
  const alarm = ([name, [description, condition]]) => [
    `${name}Alarm`,
    {
      Type: "AWS::CloudWatch::Alarm",
      Properties: {
        AlarmName: `${is.name}-${name}`,
        AlarmDescription: `${description} What to do: docs/reference/alarms.md#${name.toLowerCase()}`,
        ...condition,
        ...(actions.length > 0 ? { AlarmActions: actions, OKActions: actions } : {}),
      },
    },
  ];
  return { Resources: Object.fromEntries(Object.entries(alarmsOf(is)).map(alarm)) };
};
