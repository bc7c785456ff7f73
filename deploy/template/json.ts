export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** One of CloudFormation's functions: `{"Ref": …}`, `{"Fn::Sub": …}`. It has one value, and no properties of its own. */
export const isIntrinsic = (value: Json | undefined): value is JsonObject =>
  isObject(value) && Object.keys(value).length === 1 && /^(Ref|Fn::\w+)$/.test(Object.keys(value)[0] ?? "");

export const ref = (name: string): JsonObject => ({ Ref: name });
export const equals = (a: Json, b: Json): JsonObject => ({ "Fn::Equals": [a, b] });
export const not = (condition: Json): JsonObject => ({ "Fn::Not": [condition] });
/** CloudFormation wants at least two of them. */
export const anyOf = (conditions: readonly JsonObject[]): JsonObject => {
  const [only, ...others] = conditions;
  return only !== undefined && others.length === 0 ? only : { "Fn::Or": conditions };
};
