import { createRequire } from "node:module";
import { describe, expect, it } from "vitest";

interface Alarm {
  readonly AlarmName: string;
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
