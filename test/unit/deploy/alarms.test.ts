import { createRequire } from "node:module";
import { describe, expect, it } from "vitest";
import { CANARY_BOUND_MS } from "../../../src/protocol/canary.ts";

interface Alarm {
  readonly AlarmName: string;
  readonly MetricName?: string;
  readonly Statistic?: string;
  readonly Period?: number;
  readonly EvaluationPeriods: number;
  readonly DatapointsToAlarm?: number;
  readonly ComparisonOperator: string;
  readonly TreatMissingData: string;
  readonly Threshold: number;
  readonly Metrics?: readonly {
    readonly Id: string;
    readonly Expression?: string;
    readonly ReturnData: boolean;
  }[];
}

const require = createRequire(import.meta.url);
const alarms = require("../../../deploy/alarms.cjs") as (
  sources: object,
) => Promise<{ Resources: Record<string, { Properties: Alarm }> }>;

const stack = async (...param: string[]) => {
  const { Resources } = await alarms({
    options: { param: ["redisUrl=redis://h", ...param] },
    resolveVariable: (name: string) => Promise.resolve(name === "sls:stage" ? "prod" : "eu-west-1"),
  });
  return Object.values(Resources).map(({ Properties }) => Properties);
};

/**
 * A sum of metrics as CloudWatch evaluates it for one period ("Using metric math"): a metric without data makes the sum have
 * none, but for `FILL(metric, value)`.
 */
function evaluate(
  expression: string,
  data: Readonly<Record<string, number | undefined>>,
): number | undefined {
  const terms = expression.split("+").map((term) => {
    const [, filled, value] = /^FILL\((\w+), (\d+)\)$/.exec(term.trim()) ?? [];
    return filled === undefined ? data[term.trim()] : (data[filled] ?? Number(value));
  });
  return terms.reduce<number | undefined>(
    (sum, term) => (sum === undefined || term === undefined ? undefined : sum + term),
    0,
  );
}

describe("alarms on a sum of metrics ring when one of them has no data", async () => {
  const sums = (await stack("sharedCache=evict")).filter(({ Metrics }) => Metrics);

  it("there are such", () => {
    expect(sums.map(({ AlarmName }) => AlarmName.replace(/.*-/, ""))).toEqual([
      "FailuresWaiting",
      "FailuresStuck",
      "DeadLetters",
    ]);
  });

  it.each(sums)("$AlarmName", ({ Metrics = [], Threshold }) => {
    const expression = Metrics.find(({ ReturnData }) => ReturnData)?.Expression ?? "";
    const parts = Metrics.filter(({ ReturnData }) => !ReturnData).map(({ Id }) => Id);
    expect(parts.length).toBeGreaterThan(1);
    for (const part of parts) expect(evaluate(expression, { [part]: 1 })).toBeGreaterThan(Threshold);
    expect(evaluate(expression, {})).toBe(0);
    expect(evaluate("waiting + held", { waiting: 1 }), "the mistake that this is about").toBeUndefined();
  });
});

/**
 * Whether an alarm rings, as CloudWatch evaluates it ("Configuring how CloudWatch alarms treat missing data"): `datapoints` are
 * those of the last periods, the oldest first, undefined where there is none.
 */
function rings(alarm: Alarm, datapoints: readonly (number | undefined)[]): boolean {
  const { EvaluationPeriods, DatapointsToAlarm = EvaluationPeriods, Threshold, ComparisonOperator } = alarm;
  const breaches = (value: number | undefined) => {
    if (value === undefined) return alarm.TreatMissingData === "breaching";
    return ComparisonOperator === "GreaterThanThreshold" ? value > Threshold : value < Threshold;
  };
  expect(datapoints).toHaveLength(EvaluationPeriods);
  return datapoints.filter(breaches).length >= DatapointsToAlarm;
}

it("apps that wait for a sweep ring where there is a shared cache, which is swept", async () => {
  const find = async (...param: string[]) =>
    (await stack(...param)).find(({ AlarmName }) => AlarmName.endsWith("-AppsNotRefreshed"));
  const alarm = await find("sharedCache=refresh");
  expect(alarm).toMatchObject({ MetricName: "AppsNotRefreshed", Statistic: "Sum" });
  expect(alarm && [rings(alarm, [1]), rings(alarm, [undefined])]).toEqual([true, false]);
  expect(await find()).toBeUndefined();
});

describe("the canary's alarms", async () => {
  const none = undefined;
  const find = async (name: string, ...param: string[]) => {
    const alarm = (await stack(...param)).find(({ AlarmName }) => AlarmName.endsWith(`-${name}`));
    if (!alarm) throw new Error(`expected an alarm ${name}, found none`);
    return alarm;
  };
  const late = await find("CanaryLate");
  const incomplete = await find("CanaryIncomplete");
  const notRun = await find("CanaryNotRun");

  it("late rings when three of the last five changes took longer than 2 s, and not for want of data", () => {
    expect(late).toMatchObject({
      MetricName: "CanaryTime",
      Statistic: "Maximum",
      Threshold: CANARY_BOUND_MS,
    });
    expect(rings(late, [300, 2_000, 300, 2_001, 2_500])).toBe(false);
    expect(rings(late, [300, 2_001, 300, 2_001, 2_500])).toBe(true);
    expect(rings(late, [none, none, none, none, none])).toBe(false);
  });

  it("incomplete rings when changes do not arrive, and when nothing says whether they do", () => {
    expect(incomplete).toMatchObject({ MetricName: "CanaryIncomplete", Statistic: "Maximum" });
    expect(rings(incomplete, [0, 0, 0])).toBe(false);
    expect(rings(incomplete, [0, 0, 1])).toBe(false);
    expect(rings(incomplete, [0, 1, 1])).toBe(true);
    // A schedule and a clock drift past each other: one period without a run is in order.
    expect(rings(incomplete, [0, none, 0])).toBe(false);
    expect(rings(incomplete, [1, none, 0])).toBe(true);
    expect(rings(incomplete, [none, none, none])).toBe(true);
  });

  it("not run rings when nothing runs: Lambda has no data then", () => {
    expect(notRun).toMatchObject({ MetricName: "Invocations", Statistic: "Sum" });
    expect(rings(notRun, [none, none, none])).toBe(true);
    expect(rings(notRun, [none, none, 1])).toBe(false);
    expect(rings({ ...notRun, TreatMissingData: "notBreaching" }, [none, none, none]), "as others are").toBe(
      false,
    );
  });

  it("go by the canary's own pace, and are not there without it", async () => {
    for (const { Period } of [late, incomplete, notRun]) expect(Period).toBe(60);
    const slow = await find("CanaryLate", "canarySchedule=rate(15 minutes)");
    expect(slow.Period).toBe(900);
    const names = (await stack("canary=off")).map(({ AlarmName }) => AlarmName);
    expect(names.filter((name) => name.includes("Canary"))).toEqual([]);
  });
});
