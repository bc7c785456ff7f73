import type { Conditions } from "./conditions.ts";
import { isObject, type Json, type JsonObject, ref } from "./json.ts";
import type { Variable, Variant } from "./variables.ts";

/** Which value there is, by how the parameters are given. */
export type Decision =
  | { readonly value: Json }
  | {
      readonly variable: Variable;
      readonly branches: readonly { readonly variants: readonly Variant[]; readonly decision: Decision }[];
    };

/** One line of a truth table: what the variables that count are, and the value. */
export interface Row {
  readonly variants: readonly Variant[];
  readonly value: Json;
}

const without = <T>(list: readonly T[], place: number): T[] => list.filter((_, i) => i !== place);
const key = (value: unknown) => JSON.stringify(value);
const sizeOf = (decision: Decision): number =>
  "value" in decision ? 1 : decision.branches.reduce((sum, branch) => sum + sizeOf(branch.decision), 1);

/** The smallest tree over these variables, of which each row has a variant at the same place. */
export function decide(variables: readonly Variable[], rows: readonly Row[]): Decision {
  const [first] = rows;
  if (first === undefined) throw new Error("expected a value to decide on, found none");
  if (rows.every(({ value }) => key(value) === key(first.value))) return { value: first.value };
  const trees = variables.map((variable, i) => split(variable, i, variables, rows));
  const [smallest] = trees.sort((a, b) => sizeOf(a) - sizeOf(b));
  if (smallest === undefined)
    throw new Error(`expected one value for one set of parameters, found ${rows.length}: ${rows.map(({ value }) => key(value)).join(" and ")}`); // prettier-ignore
  return smallest;
}

function split(
  variable: Variable,
  place: number,
  variables: readonly Variable[],
  rows: readonly Row[],
): Decision {
  const others = without(variables, place);
  const branches = variable.variants.flatMap((variant) => {
    const there = rows.filter(({ variants }) => variants[place] === variant);
    if (there.length === 0) return [];
    const rest = there.map(({ variants, value }) => ({ variants: without(variants, place), value }));
    return [{ variants: [variant], decision: decide(others, rest) }];
  });
  return joined(variable, branches);
}

type Branches = readonly { readonly variants: readonly Variant[]; readonly decision: Decision }[];

function joined(variable: Variable, branches: Branches): Decision {
  const asReference = { value: ref(variable.parameter) };
  const isItself = ({ variants: [variant], decision }: Branches[number]) =>
    "value" in decision &&
    (key(decision) === key(asReference) ||
      (typeof decision.value !== "object" && String(decision.value) === variant?.value));
  if (branches.every(isItself)) return asReference;
  const groups = new Map<string, Branches[number]>();
  for (const { variants, decision } of branches) {
    const same = groups.get(key(decision));
    groups.set(key(decision), { decision, variants: [...(same?.variants ?? []), ...variants] });
  }
  // The default is the parameter's own, so that a value with it inside is no special case.
  const all = [...groups.values()];
  const merged = all.filter((branch) => {
    const [variant, another] = branch.variants;
    if (another !== undefined || variant?.label !== "IsDefault") return true;
    const same = (other: Branches[number]) =>
      key(withDefault(other.decision, variable, variant.value)) === key(branch.decision);
    return !all.some((other) => other !== branch && same(other));
  });
  const [only] = merged;
  if (only && merged.length === 1) return only.decision;
  // What is left over stands last, as the branch without a condition: what most have in common.
  return { variable, branches: merged.sort((a, b) => rank(a) - rank(b)) };
}

/** Not given is what is left over when nothing else is. */
const rank = ({ variants }: Branches[number]) =>
  variants.length + (variants.some(({ label }) => /^Is(Empty|Default)$/.test(label)) ? 100 : 0);

/** A decision with the parameter's value in the place of its name. */
function withDefault(decision: Decision, { parameter }: Variable, value: string): Decision {
  const filled = (json: Json): Json => {
    if (Array.isArray(json)) return (json as readonly Json[]).map(filled);
    if (!isObject(json)) return json;
    if (json.Ref === parameter) return value;
    return Object.fromEntries(Object.entries(json).map(([name, inner]) => [name, filled(inner)]));
  };
  return "value" in decision ? { value: filled(decision.value) } : decision;
}

const NO_VALUE = ref("AWS::NoValue");

/** As CloudFormation says it. */
export function asIf(decision: Decision, conditions: Conditions): Json {
  if ("value" in decision) return decision.value;
  const { variable, branches } = decision;
  const [last, ...others] = [...branches].reverse();
  return others.reduce<Json>(
    (rest, branch) => ({
      "Fn::If": [conditions.of(variable, branch.variants), asIf(branch.decision, conditions), rest],
    }),
    last ? asIf(last.decision, conditions) : NO_VALUE,
  );
}

/** A decision on true and false as one condition. @returns undefined when it is always false */
export function asCondition(decision: Decision, conditions: Conditions): JsonObject | boolean {
  if ("value" in decision) return decision.value === true;
  const ways = decision.branches.flatMap(({ variants, decision: inner }) => {
    const when = asCondition(inner, conditions);
    if (when === false) return [];
    const here = { Condition: conditions.of(decision.variable, variants) };
    return [when === true ? here : { "Fn::And": [here, when] }];
  });
  const [only] = ways;
  return only !== undefined && ways.length === 1 ? only : { "Fn::Or": ways };
}

/** The values of a decision, each with another in its place. */
export function mapDecision(decision: Decision, change: (value: Json) => Json): Decision {
  if ("value" in decision) return { value: change(decision.value) };
  const branches = decision.branches.map((branch) => ({
    ...branch,
    decision: mapDecision(branch.decision, change),
  }));
  return { ...decision, branches };
}
