import { isObject, type Json, type JsonObject } from "./json.ts";

type Known = ReadonlyMap<string, boolean>;

/**
 * A resource without the branches that cannot be reached, since a condition around them has decided. Nobody reads them, and
 * linters point at each.
 *
 * @param conditions the template's, by name
 */
export function withoutUnreachable(
  resource: JsonObject,
  conditions: Readonly<Record<string, Json>>,
): JsonObject {
  const { Condition } = resource;
  const known =
    typeof Condition === "string"
      ? decided(new Map(), conditions, Condition, true)
      : new Map<string, boolean>();
  return pruned(resource, known, conditions) as JsonObject;
}

function pruned(json: Json, known: Known, conditions: Readonly<Record<string, Json>>): Json {
  if (Array.isArray(json)) return (json as readonly Json[]).map((item) => pruned(item, known, conditions));
  if (!isObject(json)) return json;
  const { "Fn::If": branches } = json;
  if (!Array.isArray(branches))
    return Object.fromEntries(
      Object.entries(json).map(([key, inner]) => [key, pruned(inner, known, conditions)]),
    );
  const [name = "", yes = null, no = null] = branches as readonly Json[];
  const is = known.get(meaningOf(conditions, name as string).key);
  const { negated } = meaningOf(conditions, name as string);
  if (is !== undefined) return pruned(is === negated ? no : yes, known, conditions);
  return {
    "Fn::If": [
      name,
      pruned(yes, decided(known, conditions, name as string, true), conditions),
      pruned(no, decided(known, conditions, name as string, false), conditions),
    ],
  };
}

const decided = (
  known: Known,
  conditions: Readonly<Record<string, Json>>,
  name: string,
  holds: boolean,
): Known => {
  const { key, negated } = meaningOf(conditions, name);
  return new Map([...known, [key, holds !== negated]]);
};

/** What a condition asks, without its negation: `HasX` and `XIsEmpty` ask the same. */
function meaningOf(
  conditions: Readonly<Record<string, Json>>,
  name: string,
): { key: string; negated: boolean } {
  const { [name]: condition } = conditions;
  const negated = isObject(condition) && Array.isArray(condition["Fn::Not"]);
  const asked = negated ? ((condition["Fn::Not"] as readonly Json[])[0] ?? null) : condition;
  return { key: JSON.stringify(asked), negated };
}
