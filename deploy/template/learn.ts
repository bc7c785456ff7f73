import type { Conditions } from "./conditions.ts";
import { asIf, decide, type Decision, mapDecision, type Row } from "./decide.ts";
import { isIntrinsic, isObject, type Json, type JsonObject, ref } from "./json.ts";
import { withExpressions } from "./tokens.ts";
import type { Trials } from "./trials.ts";
import type { Variable } from "./variables.ts";

/** What one trial gave; undefined where there is nothing. */
type Value = Json | undefined;

/**
 * Finds out how the resources follow from the parameters, by trying: deploy/*.cjs says what there is with these parameters, and this
 * writes it down as CloudFormation's conditions. A value depends on a parameter when it changes with that one alone, in any of
 * the trials. So whatever those files come to say is in the template too, and nobody has to say it twice.
 */
export class Learner {
  readonly #variables: readonly Variable[];
  readonly #trials: Trials;
  readonly #conditions: Conditions;

  constructor(options: { variables: readonly Variable[]; trials: Trials; conditions: Conditions }) {
    this.#variables = options.variables;
    this.#trials = options.trials;
    this.#conditions = options.conditions;
  }

  /** One value for all trials: what is not always there is `Fn::If` with AWS::NoValue. */
  merge(values: readonly Value[]): Json {
    const parent = values.map(() => true);
    return this.#below(values, parent, []);
  }

  /** The same of what is there under a condition that the caller states. */
  mergePresent(values: readonly Value[]): Json {
    return this.#always(values, this.#relevant(keysOf(values.map((value) => value !== undefined))));
  }

  /** Whether it is there at all. */
  presence(values: readonly Value[]): Decision {
    return this.#decide(values.map((value) => value !== undefined));
  }

  /** What is below each key; of a value that is not there, nothing is. */
  children(values: readonly Value[]): Map<string, Value[]> {
    const keys = new Set(values.flatMap((value) => (isObject(value) ? Object.keys(value) : [])));
    return new Map(
      [...keys].map((key) => [key, values.map((value) => (isObject(value) ? value[key] : undefined))]),
    );
  }

  /**
   * Of what is there, whenever it is.
   * @param context places of the variables that decide on whether it is
   */
  #always(values: readonly Value[], context: readonly number[]): Json {
    const present = values.filter((value) => value !== undefined);
    const parent = values.map((value) => value !== undefined);
    if (present.every((value) => isObject(value) && !isIntrinsic(value))) {
      return Object.fromEntries(
        [...this.children(values)].map(([key, below]) => [key, this.#below(below, parent, context)]),
      );
    }
    if (present.every((value) => Array.isArray(value))) {
      const merged = this.#list(values as readonly (readonly Json[] | undefined)[], context);
      if (merged) return merged;
    }
    return asIf(this.#decide(values, context), this.#conditions);
  }

  /** Trials without the parent say nothing about what is below it. */
  #below(values: readonly Value[], parent: readonly boolean[], context: readonly number[]): Json {
    if (values.every((value, i) => !parent[i] || value !== undefined)) return this.#always(values, context);
    const presence = values.map((value, i) => (parent[i] ? value !== undefined : undefined));
    const child = this.#always(values, [...context, ...this.#relevant(keysOf(presence))]);
    const decision = mapDecision(this.#decide(presence), (is) => (is === true ? child : ref("AWS::NoValue")));
    return asIf(decision, this.#conditions);
  }

  /** Elements with a name of their own (a statement's Sid, a metric's Id) come and go; others stand at their place. */
  #list(values: readonly (readonly Json[] | undefined)[], context: readonly number[]): Json | undefined {
    const names = values.map((list) => list?.map(nameOf));
    if (names.every((list) => list?.every((name) => name !== undefined) ?? true)) {
      const order = orderOf(names.flatMap((list) => (list ? [list as string[]] : [])));
      const parent = values.map((list) => list !== undefined);
      const named = (name: string) => values.map((list, i) => list?.[names[i]?.indexOf(name) ?? -1]);
      if (order.length > 0) return order.map((name) => this.#below(named(name), parent, context));
    }
    const lengths = new Set(values.flatMap((list) => (list ? [list.length] : [])));
    const [length = 0] = lengths;
    // Several texts may be a parameter that is a list.
    const isTexts = values.every((list) => list?.every((item) => typeof item === "string") ?? true);
    if (lengths.size > 1 || (isTexts && length > 1)) return undefined;
    return Array.from({ length }, (_, place) =>
      this.#always(
        values.map((list) => list?.[place]),
        context,
      ),
    );
  }

  #decide(values: readonly Value[], context: readonly number[] = []): Decision {
    const keys = keysOf(values);
    const relevant = this.#relevant(keys);
    const rows = new Map<string, Row>();
    // The stage, which has one sample, is in all names.
    const named = [0, ...context];
    const seen = new Set<string>();
    for (const [i, value] of values.entries()) {
      const assignment = this.#trials.assignments[i];
      if (value === undefined || assignment === undefined) continue;
      // Most trials differ in what makes no difference here.
      const trial = `${[...relevant, ...named].map((place) => assignment[place]).join()} ${keys[i] ?? ""}`;
      if (seen.has(trial)) continue;
      seen.add(trial);
      const variantsAt = (places: readonly number[]) =>
        places.flatMap((place) => this.#variables[place]?.variants[assignment[place] ?? 0] ?? []);
      const variants = variantsAt(relevant);
      const tokens = [...variants, ...variantsAt(named)].flatMap((variant) => variant.tokens);
      const row = { variants, value: withExpressions(value, tokens) };
      rows.set(JSON.stringify([variants.map((variant) => variant.value), row.value]), row);
    }
    const variables = relevant.flatMap((place) => this.#variables[place] ?? []);
    return decide(variables, [...rows.values()]);
  }

  /** Places of the variables that alone make a difference in any trial. */
  #relevant(keys: readonly (string | undefined)[]): number[] {
    const found = new Set<number>();
    for (const { a, b, variable } of this.#trials.flips) {
      const [one, other] = [keys[a], keys[b]];
      if (one !== undefined && other !== undefined && one !== other) found.add(variable);
    }
    return [...found].sort((a, b) => a - b);
  }
}

const keysOf = (values: readonly Value[]) =>
  values.map((value) => (value === undefined ? undefined : JSON.stringify(value)));

function nameOf(item: Json): string | undefined {
  const { Sid, Id }: JsonObject = isObject(item) ? item : {};
  return typeof Sid === "string" ? Sid : typeof Id === "string" ? Id : undefined;
}

/** One order that agrees with each of the lists. */
function orderOf(lists: readonly (readonly string[])[]): string[] {
  const distinct = [...new Map(lists.map((list) => [list.join("\n"), list])).values()];
  const left = new Set(distinct.flat());
  const order: string[] = [];
  while (left.size > 0) {
    const next = [...left].find(
      (name) =>
      distinct.every((list) => !list.slice(0, list.indexOf(name) + 1).some((before) => before !== name && left.has(before))), // prettier-ignore
    );
    if (next === undefined) throw new Error(`expected one order of ${[...left].join(", ")}, found several`);
    order.push(next);
    left.delete(next);
  }
  return order;
}
