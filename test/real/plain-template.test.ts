import { beforeAll, describe, expect, it } from "vitest";
import { zippedFunctions } from "../../deploy/release/functions.ts";
import type { JsonObject } from "../../deploy/template/json.ts";
import { NOT_TAKEN } from "../../deploy/template/osls-resources.ts";
import { packagedWith } from "../../deploy/template/packaged.ts";
import { partsWith } from "../../deploy/template/parts.ts";
import { type PlainTemplate, plainTemplate } from "../../deploy/template/plain-template.ts";
import { randomAssignments, valuesOf } from "../../deploy/template/trials.ts";
import { check, PARAMETERS, parameterOf, variables } from "../../deploy/template/variables.ts";
import { root } from "../support/fleet.ts";
import { asParameters, SETS } from "../support/parameter-sets.ts";
import { resolveTemplate, withoutEmpty } from "../support/resolve-template.ts";
import "../support/background.ts";

const zips = new Map(zippedFunctions(root).map(({ name, file }) => [name, file]));
let template: PlainTemplate;

beforeAll(async () => {
  template = await plainTemplate(root, zips);
});

/** With its parameters, by id. */
const plainWith = (given: Readonly<Record<string, string>>) => resolveTemplate(template, asParameters(given));
/** A template without parameters, in the same form. */
const asResolved = (Resources: Readonly<Record<string, JsonObject>>) => resolveTemplate({ Resources }, {});

describe("the template, and what deploy/*.cjs says", () => {
  // Other ones than those that it was found out from.
  const known = variables();
  const others = randomAssignments(known, 100, 4_711).map((assignment) => valuesOf(known, assignment));

  it("are the same for 100 sets of parameters, property by property", async () => {
    for (const given of others) {
      const { resources } = await partsWith(given);
      const plain = plainWith(given);
      const expected = asResolved(resources);
      for (const [id, resource] of Object.entries(expected)) {
        // osls describes the rest of a log group.
        const { [id]: found = {} } = plain;
        if (id.endsWith("LogGroup"))
          expect(found.Properties, id).toMatchObject(resource.Properties as object);
        else expect(found, `${id} with ${JSON.stringify(given)}`).toEqual(resource);
      }
    }
  });

  it("differ when a condition of the template is another", () => {
    const given = {
      stage: "prod",
      redisUrl: "redis://r",
      streamArn: "arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/x",
    };
    expect(plainWith(given)).not.toHaveProperty("AppsTable");
    const wrong = {
      ...template,
      Conditions: { ...template.Conditions, StreamArnIsEmpty: template.Conditions.HasStreamArn ?? null },
    };
    expect(resolveTemplate(wrong, asParameters(given))).toHaveProperty("AppsTable");
  });
});

/** What serverless.yml's way has of its own: the bucket of its uploads, the code's place in it, the mapping's id. */
function comparable(resources: Readonly<Record<string, JsonObject>>): Record<string, JsonObject> {
  const entries = Object.entries(resources)
    .filter(([id]) => !NOT_TAKEN.includes(id))
    .map(([id, resource]): [string, JsonObject] => {
      const { Code: _, ...Properties } = resource.Properties as JsonObject;
      return [
        id.replace(/^StreamEventSourceMappingDynamodb.*/, "StreamMapping"),
        { ...resource, Properties },
      ];
    });
  return Object.fromEntries(entries);
}
describe.each(Object.entries(SETS))("the template, and `serverless package`: %s", (_, parameters) => {
  const given = { stage: "prod", ...parameters };

  it("have the same resources, property by property", async () => {
    expect(check(parameters, { stage: "prod", region: "us-east-1" }).mistakes).toEqual([]);
    const { Resources } = await packagedWith(root, given);
    const packaged = withoutEmpty(comparable(asResolved(Resources)));
    const plain = withoutEmpty(comparable(plainWith(given)));
    expect(Object.keys(plain).sort()).toEqual(Object.keys(packaged).sort());
    expect(plain).toEqual(packaged);
  });

  it("and the code is in the user's bucket, under a name of its own", () => {
    for (const [id, { Type, Properties }] of Object.entries(plainWith(given))) {
      if (Type !== "AWS::Lambda::Function") continue;
      const name = id.replace("LambdaFunction", "").toLowerCase();
      expect((Properties as JsonObject).Code).toEqual({
        S3Bucket: "code",
        S3Key: `soketi/${zips.get(name) ?? ""}`,
      });
    }
  });
});

describe("its parameters", () => {
  const judge = (name: string, value: string): boolean => {
    const { AllowedPattern, AllowedValues, MaxLength } = template.Parameters[name] ?? {};
    return (
      (typeof AllowedPattern !== "string" || new RegExp(`^(?:${AllowedPattern})$`, "u").test(value)) &&
      (!Array.isArray(AllowedValues) || (AllowedValues as readonly string[]).includes(value)) &&
      (typeof MaxLength !== "number" || value.length <= MaxLength)
    );
  };

  it("are those of `serverless deploy`, and three", () => {
    const names = Object.keys(PARAMETERS).map(parameterOf);
    expect(Object.keys(template.Parameters).sort()).toEqual(
      ["CodeBucket", "CodePrefix", "Stage", ...names].sort(),
    );
  });

  it("take their own defaults, and what the sets have", () => {
    for (const [name, { Default }] of Object.entries(template.Parameters)) {
      if (typeof Default === "string") expect(judge(name, Default), name).toBe(true);
    }
    for (const [name, value] of Object.values(SETS).flatMap((set) => Object.entries(set))) {
      expect(judge(parameterOf(name), value), `${name}=${value}`).toBe(true);
    }
  });

  it.each([
    ["RedisUrl", "cache:6379"],
    ["RedisUrl", "redis://app-sync:password@cache:6379"],
    ["StreamArn", "arn:aws:dynamodb:us-east-1:123456789012:table/apps"],
    ["SharedCache", "on"],
    ["SubnetIds", "subnet-1, subnet-2"],
    ["LogLength", "many"],
    ["SweepSchedule", "rate(1 hours)"],
    ["Stage", "a".repeat(31)],
  ])("%s does not take %s", (name, value) => {
    expect(judge(name, value)).toBe(false);
  });

  it("are named by rules that there are parameters for", () => {
    const named = [...JSON.stringify([template.Rules, template.Conditions]).matchAll(/"Ref":"(\w+)"/g)].map(
      ([, name = ""]) => name,
    );
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((name) => !(name in template.Parameters))).toEqual([]);
  });
});
