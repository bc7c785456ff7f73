import { createRequire } from "node:module";
import { equals, type Json, type JsonObject, not, ref } from "./json.ts";

interface Parameter {
  readonly default: string;
  readonly expected: string;
  readonly pattern?: RegExp;
  readonly allows?: (value: string) => boolean;
}

/** All of `serverless deploy`'s parameters. */
export const { PARAMETERS, check } = createRequire(import.meta.url)("../parameters.cjs") as {
  readonly PARAMETERS: Readonly<Record<string, Parameter>>;
  /** Judges parameters as `serverless deploy` does. */
  readonly check: (
    given: Readonly<Record<string, string>>,
    where: { stage: string; region: string },
  ) => { values: Record<string, string>; mistakes: string[] };
};

/** A text that comes of a sample value, and what the template has in its place. */
export interface Token {
  readonly text: string;
  readonly expression: Json;
}

/** One of the ways in which a parameter can be given that may make a difference to the resources. */
export interface Variant {
  /** The parameter's value in a trial. Empty: not given. */
  readonly value: string;
  /** For names of conditions: `IsOff`. */
  readonly label: string;
  /** When the parameter is given in this way. */
  readonly when: JsonObject;
  readonly tokens: readonly Token[];
}

export interface Variable {
  /** As in `--param`: `redisUrl`; `stage` for the stage. */
  readonly name: string;
  /** In the template: `RedisUrl`. */
  readonly parameter: string;
  readonly isList: boolean;
  readonly variants: readonly Variant[];
}

const LISTS = ["securityGroupIds", "subnetIds"];
/** A rate is any of hundreds. What follows from one, such as the period of an alarm, CloudFormation has no arithmetic for. */
const SCHEDULES = [
  "rate(1 minute)",
  ...[2, 5, 15, 30].map((minutes) => `rate(${minutes} minutes)`),
  "rate(1 hour)",
  "rate(6 hours)",
  "rate(1 day)",
];
const ACCOUNT = "us-east-1:123456789012";

export const parameterOf = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);

/** The alternatives of a pattern as `^(on|off)$`; undefined for any other. */
export function choicesOf(name: string): readonly string[] | undefined {
  const { default: byDefault = "", allows } = PARAMETERS[name] ?? {};
  if (byDefault.startsWith("rate(") && allows) return SCHEDULES.filter(allows);
  return /^\^\(([\w|-]+)\)\$$/.exec(PARAMETERS[name]?.pattern?.source ?? "")?.[1]?.split("|");
}

/** Each parameter, and the stage, with what is tried of it. */
export function variables(): Variable[] {
  const stage: Variable = {
    name: "stage",
    parameter: "Stage",
    isList: false,
    variants: [
      {
        value: "stage-token",
        label: "",
        when: {},
        tokens: [{ text: "stage-token", expression: ref("Stage") }],
      },
    ],
  };
  return [stage, ...Object.keys(PARAMETERS).map(variableOf)];
}

function variableOf(name: string): Variable {
  const parameter = parameterOf(name);
  const isList = LISTS.includes(name);
  const value = ref(parameter);
  const { default: byDefault = "" } = PARAMETERS[name] ?? {};
  const is = (text: string, label: string): Variant => ({
    value: text,
    label,
    when: equals(value, text),
    tokens: [],
  });
  const choices = choicesOf(name);
  const variants = choices
    ? byDefaultFirst(choices, byDefault).map((choice) => is(choice, labelOf(choice)))
    : [is(byDefault, byDefault === "" ? "IsEmpty" : "IsDefault"), ...samplesOf(name, value)];
  return { name, parameter, isList, variants };
}

const byDefaultFirst = (choices: readonly string[], byDefault: string) => [
  byDefault,
  ...choices.filter((choice) => choice !== byDefault),
];

/** `rate(1 hour)` -> `IsRate1Hour`. */
function labelOf(choice: string): string {
  const words = choice.split(/\W+/).filter((word) => word !== "");
  return `Is${words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("")}`;
}

function samplesOf(name: string, value: JsonObject): Variant[] {
  const { default: byDefault = "" } = PARAMETERS[name] ?? {};
  const whole = (text: string): Token => ({
    text,
    expression: LISTS.includes(name) ? { "Fn::Split": [",", value] } : value,
  });
  const given = (
    text: string,
    tokens: Token[] = [whole(text)],
    label = "IsGiven",
    when: JsonObject = not(equals(value, byDefault)),
  ): Variant => ({ value: text, label, when, tokens });
  const first = (separator: string): JsonObject => ({
    "Fn::Select": [0, { "Fn::Split": [separator, { "Fn::Join": ["", [value, separator]] }] }],
  });
  switch (name) {
    case "redisSecretId": {
      const arn = `arn:aws:secretsmanager:${ACCOUNT}:secret:redis-secret-token-AbCdEf`;
      const isArn = equals(first(":"), "arn");
      return [
        given("redis-secret-name", undefined, "IsName", { "Fn::And": [not(equals(value, "")), not(isArn)] }),
        given(arn, undefined, "IsArn", isArn),
      ];
    }
    case "redisPasswordParameter": {
      const isPath = { "Fn::And": [not(equals(value, "")), equals(first("/"), "")] };
      const isName = not(equals(first("/"), ""));
      return [
        given("/redis/password-token", undefined, "IsPath", isPath),
        given("redis/password-token-2", undefined, "IsName", isName),
      ];
    }
    case "streamArn": {
      const table = `arn:aws:dynamodb:${ACCOUNT}:table/stream-table-token`;
      const arn = `${table}/stream/2026-01-01T00:00:00.000`;
      // Slashes are added so that there is something to select also where it is empty.
      const part = (index: number) => ({
        "Fn::Select": [index, { "Fn::Split": ["/", { "Fn::Join": ["", [value, "//"]] }] }],
      });
      return [
        given(arn, [
          whole(arn),
          { text: table, expression: { "Fn::Join": ["/", [part(0), part(1)]] } },
          { text: "stream-table-token", expression: part(1) },
        ]),
      ];
    }
    case "subnetIds":
      return [given("subnet-token1,subnet-token2")];
    case "securityGroupIds":
      return [given("sg-token1,sg-token2")];
    default: {
      const { allows } = PARAMETERS[name] ?? {};
      return [given(allows ? numberThat(allows) : `${name}-token`)];
    }
  }
}

/** Numbers that stand out, as a template has few that are as large. All but the first are the largest that some parameter takes. */
const SAMPLES = [7_770_112, 1_000_000, 3_653, 1_000, 100].map(String);

function numberThat(allows: (value: string) => boolean): string {
  const sample = SAMPLES.find(allows);
  if (sample !== undefined) return sample;
  throw new Error(
    `expected a parameter that takes one of ${SAMPLES.join(", ")}, found one that takes none: give it a sample in samplesOf()`,
  );
}
