import { Conditions } from "./conditions.ts";
import { asCondition } from "./decide.ts";
import { isObject, type Json, type JsonObject } from "./json.ts";
import { Learner } from "./learn.ts";
import { NOT_TAKEN, type Symbols, withSymbols } from "./osls-resources.ts";
import { packagedWith, type PackagedTemplate } from "./packaged.ts";
import { templateParameters, templateRules } from "./parameters.ts";
import { type Parts, partsWith } from "./parts.ts";
import { withExpressions } from "./tokens.ts";
import { withoutUnreachable } from "./prune.ts";
import { makeTrials, valuesOf } from "./trials.ts";
import { type Variable, variables as allVariables } from "./variables.ts";

export interface PlainTemplate {
  readonly AWSTemplateFormatVersion: string;
  readonly Description: string;
  readonly Parameters: Readonly<Record<string, JsonObject>>;
  readonly Rules: Readonly<Record<string, JsonObject>>;
  readonly Conditions: Readonly<Record<string, Json>>;
  readonly Resources: Readonly<Record<string, JsonObject>>;
  readonly Outputs: JsonObject;
}

/**
 * One CloudFormation template for all that `serverless deploy` can make, with parameters in the place of `--param`. The
 * functions' own resources are those that `serverless package` makes; everything else is found out from deploy/*.cjs.
 *
 * @param zips function -> the name of its zip in the bucket
 */
export async function plainTemplate(root: string, zips: ReadonlyMap<string, string>): Promise<PlainTemplate> {
  const variables = allVariables();
  const trials = makeTrials(variables);
  const made: Parts[] = [];
  for (const assignment of trials.assignments) made.push(await partsWith(valuesOf(variables, assignment)));
  const conditions = new Conditions();
  const learner = new Learner({ variables, trials, conditions });
  const merge = (part: (parts: Parts) => Json | undefined) => learner.merge(made.map(part));

  const own = resourcesOf(learner, conditions, made, ({ resources }) => resources);
  const given = await parametersOfMost(variables);
  const packaged = await packagedWith(root, given);
  const symbols: Symbols = {
    environment: merge(({ environment }) => environment),
    vpc: merge(({ vpc }) => (vpc === false ? undefined : vpc)),
    reservedConcurrency: merge(({ reservedConcurrency }) => reservedConcurrency ?? undefined),
    logRetentionDays: merge(({ logRetentionDays }) => logRetentionDays),
    streamArn: merge(({ streamArn }) => streamArn),
    conditions: conditionsOfFunctions(learner, conditions, made),
    definitions: new Map(
      [...learner.children(made.map(({ definitions }) => definitions))].map(([name, values]) => [
        name,
        learner.mergePresent(values) as JsonObject,
      ]),
    ),
    zips,
    named: (value) => withExpressions(value, variables[0]?.variants[0]?.tokens ?? []),
  };
  const resources = { ...own, ...fromOsls(packaged, own, symbols) };
  const outputs = resourcesOf(learner, conditions, made, ({ outputs }) => outputs);
  return {
    AWSTemplateFormatVersion: "2010-09-09",
    Description: "soketi-app-sync - changes of soketi's apps table, published on Redis",
    Parameters: templateParameters(),
    Rules: templateRules(),
    Conditions: conditions.all(),
    Resources: Object.fromEntries(
      Object.entries(resources).map(([id, resource]) => [id, withoutUnreachable(resource, conditions.all())]),
    ),
    Outputs: outputs,
  };
}

/** Each with the condition under which it is there. */
function resourcesOf(
  learner: Learner,
  conditions: Conditions,
  made: readonly Parts[],
  part: (parts: Parts) => JsonObject,
): Record<string, JsonObject> {
  const found = [...learner.children(made.map(part))].map(([id, values]): [string, JsonObject] => {
    const body = learner.mergePresent(values) as JsonObject;
    const condition = conditionOf(learner, conditions, values, `Has${id}`);
    return [id, condition === undefined ? body : { ...body, Condition: condition }];
  });
  return Object.fromEntries(found);
}

function conditionOf(
  learner: Learner,
  conditions: Conditions,
  values: readonly (Json | undefined)[],
  name: string,
): string | undefined {
  const when = asCondition(learner.presence(values), conditions);
  if (typeof when === "boolean") return undefined;
  return typeof when.Condition === "string" ? when.Condition : conditions.named(name, when);
}

function conditionsOfFunctions(
  learner: Learner,
  conditions: Conditions,
  made: readonly Parts[],
): Map<string, string | undefined> {
  const names = [...new Set(made.flatMap(({ functions }) => functions))];
  return new Map(
    names.map((name) => {
      const there = made.map(({ functions }) => (functions.includes(name) ? true : undefined));
      return [name, conditionOf(learner, conditions, there, `HasFunction${name}`)];
    }),
  );
}

/** With every function, and everything that a function can have; where Redis is has to be said. */
async function parametersOfMost(variables: readonly Variable[]): Promise<Record<string, string>> {
  const network = ["subnetIds", "securityGroupIds", "reservedConcurrency"];
  let given: Record<string, string> = { stage: "stage-token", redisUrl: "redis://redis:6379" };
  for (const name of network) {
    given = { ...given, [name]: SAMPLES[name] ?? "" };
  }
  for (const { name, variants } of variables) {
    for (const { value } of variants.slice(1)) {
      const more = { ...given, [name]: value };
      if ((await partsWith(more)).functions.length > (await partsWith(given)).functions.length) given = more;
    }
  }
  return given;
}

const SAMPLES: Record<string, string> = {
  subnetIds: "subnet-1,subnet-2",
  securityGroupIds: "sg-1",
  reservedConcurrency: "1",
};

function fromOsls(
  { Resources }: PackagedTemplate,
  own: Readonly<Record<string, JsonObject>>,
  symbols: Symbols,
): Record<string, JsonObject> {
  const taken = Object.entries(Resources).filter(([id]) => !NOT_TAKEN.includes(id) && isOfOsls(id, own));
  return Object.fromEntries(
    taken.map(([id, resource]): [string, JsonObject] => {
      const made = withSymbols(id, resource, symbols);
      const added = own[id];
      if (!added) return [id, made];
      // What deploy/*.cjs adds to a resource of osls, when it does.
      const when = added.Condition;
      const properties = isObject(added.Properties) ? added.Properties : {};
      const conditional = Object.entries(properties).map(([name, value]): [string, Json] => [
        name,
        when === undefined ? value : { "Fn::If": [when, value, { Ref: "AWS::NoValue" }] },
      ]);
      const before = made.Properties as JsonObject;
      return [id, { ...made, Properties: { ...before, ...Object.fromEntries(conditional) } }];
    }),
  );
}

/** What deploy/*.cjs describes, osls has copied; but its log groups it makes itself, and only adds to them what is said of them there. */
const isOfOsls = (id: string, own: Readonly<Record<string, JsonObject>>) =>
  !(id in own) || id.endsWith("LogGroup");
