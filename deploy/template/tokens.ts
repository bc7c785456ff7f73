import { isObject, type Json, type JsonObject } from "./json.ts";
import type { Token } from "./variables.ts";

/** A value of one trial, with the sample values in it replaced by what they stand for. Longer texts first. */
export function withExpressions(value: Json, tokens: readonly Token[]): Json {
  const sorted = [...tokens].sort((a, b) => b.text.length - a.text.length);
  return replaced(value, sorted);
}

function replaced(value: Json, tokens: readonly Token[]): Json {
  if (typeof value === "string" || typeof value === "number") return ofText(value, tokens);
  if (Array.isArray(value)) return ofList(value as readonly Json[], tokens);
  if (!isObject(value)) return value;
  const { "Fn::Sub": sub } = value;
  if (typeof sub === "string") return asSub(sub, tokens);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, replaced(inner, tokens)]));
}

/** A list that is a whole parameter, as subnets are. */
function ofList(list: readonly Json[], tokens: readonly Token[]): Json {
  const whole = tokens.find(({ text }) => text === list.map(String).join());
  return whole && list.length > 1 ? whole.expression : list.map((item) => replaced(item, tokens));
}

function ofText(value: string | number, tokens: readonly Token[]): Json {
  const text = String(value);
  const whole = tokens.find((token) => token.text === text);
  if (whole) return whole.expression;
  const inside = typeof value === "string" && tokens.some((token) => text.includes(token.text));
  // What looks like a reference in a plain text is none.
  return inside ? asSub(text.replaceAll("${", "${!"), tokens) : value;
}

function asSub(text: string, tokens: readonly Token[]): JsonObject {
  const found: Record<string, Json> = {};
  const template = tokens.reduce((rest, { text: token, expression }, i) => {
    if (!rest.includes(token)) return rest;
    const name = isObject(expression) && typeof expression.Ref === "string" ? expression.Ref : `Part${i}`;
    if (name.startsWith("Part")) found[name] = expression;
    return rest.replaceAll(token, `\${${name}}`);
  }, text);
  return { "Fn::Sub": Object.keys(found).length === 0 ? template : [template, found] };
}
