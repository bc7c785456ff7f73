/** The stack at a glance: how far behind, what was published, what failed. One row for each function. */
const { settings } = require("./parameters.cjs");

const REGION = "${AWS::Region}";

/** Three of 8 columns beside each other, each row 6 high. */
const place = (index) => ({ x: (index % 3) * 8, y: Math.floor(index / 3) * 6, width: 8, height: 6 });

const graph = (title, stat, metrics) => ({
  type: "metric",
  properties: { title, stat, metrics, region: REGION, period: 60, view: "timeSeries" },
});

function widgets(is) {
  const ours = (...names) => names.map((name) => ["soketi-app-sync", name, "service", is.name]);
  const lambda = (fn, ...names) =>
    names.map((name) => ["AWS/Lambda", name, "FunctionName", `${is.name}-${fn}`]);
  const queue = (name, ...metrics) =>
    metrics.map((metric) => ["AWS/SQS", metric, "QueueName", `${is.name}-${name}`]);
  const depth = ["ApproximateNumberOfMessagesVisible", "ApproximateNumberOfMessagesNotVisible"];
  return [
    graph("From write to Redis, ms, p99", "p99", ours("PublishAge")),
    graph("Behind the stream, ms", "Maximum", lambda("stream", "IteratorAge")),
    graph("Changes", "Sum", ours("Published", "Coalesced", "Unchanged")),
    graph("Redis", "Sum", ours("PublishFailures", "BatchRetries", "RedisErrors")),
    graph("Items and records", "Sum", ours("InvalidItems", "UnreadableRecords", "AppsNotRefreshed")),
    graph("Failed ranges", "Maximum", [...queue("failures", ...depth), ...queue("dead-letters", depth[0])]),
    graph("Redrive", "Sum", ours("RangesRedriven", "RangesGone", "RedriveFailures")),
    ...(is.shared
      ? [
          graph(
            "Sweep",
            "Sum",
            ours(
              "SweptApps",
              "SweptEntries",
              "SweepRepaired",
              "SweepRemoved",
              "SweepUnsettled",
              "SweepForeign",
              "SweepFailures",
            ),
          ),
        ]
      : []),
    ...(is.canary === "on"
      ? [
          graph(
            "Canary: from the write to the last node, and its steps, ms, longest",
            "Maximum",
            ours("CanaryTime", "CanaryWriteTime", "CanaryStreamTime", "CanaryNodesTime"),
          ),
          graph(
            "Canary: nodes",
            "Minimum",
            ours("CanaryNodesExpected", "CanaryNodesConfirmed", "CanaryNodesVanished"),
          ),
          graph(
            "Canary: share within 2 s, and not on every node",
            "Average",
            ours("CanaryInTime", "CanaryIncomplete"),
          ),
        ]
      : []),
    ...is.functions.map((fn) =>
      graph(`Function ${fn}`, "Sum", lambda(fn, "Invocations", "Errors", "Throttles")),
    ),
    graph(
      "Duration, ms, p99",
      "p99",
      is.functions.flatMap((fn) => lambda(fn, "Duration")),
    ),
  ].map((widget, index) => ({ ...widget, ...place(index) }));
}

module.exports = async (sources) => {
  const is = await settings(sources);
  return {
    Resources: {
      Dashboard: {
        Type: "AWS::CloudWatch::Dashboard",
        Properties: {
          // Dashboards are the account's, not the region's.
          DashboardName: { "Fn::Sub": `${is.name}-${REGION}` },
          DashboardBody: { "Fn::Sub": JSON.stringify({ widgets: widgets(is) }) },
        },
      },
    },
    Outputs: { DashboardName: { Description: "In CloudWatch", Value: { Ref: "Dashboard" } } },
  };
};
