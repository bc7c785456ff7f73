import { isObject, type Json, type JsonObject } from "../../deploy/template/json.ts";

interface Parameterized {
  readonly Parameters?: Readonly<Record<string, JsonObject>>;
  readonly Conditions?: Readonly<Record<string, Json>>;
  readonly Resources: Readonly<Record<string, JsonObject>>;
}

/** Of the account that a stack would be in. */
const PSEUDO: Readonly<Record<string, string>> = {
  "AWS::Region": "us-east-1",
  "AWS::AccountId": "123456789012",
  "AWS::Partition": "aws",
};
const NO_VALUE = Symbol("AWS::NoValue");
type Resolved = Json | typeof NO_VALUE;

/**
 * What CloudFormation makes of a template before it makes resources: parameters filled in, conditions decided. References to
 * resources stay as they are. Numbers are texts, as all properties are to CloudFormation.
 *
 * @throws Error for a function that is not known here
 */
export function resolveTemplate(
  template: Parameterized,
  given: Readonly<Record<string, string>>,
): Record<string, JsonObject> {
  const resolver = new Resolver(template, given);
  const there = Object.entries(template.Resources).filter(
    ([, { Condition }]) => typeof Condition !== "string" || resolver.holds({ Condition }),
  );
  return Object.fromEntries(
    there.map(([id, { Condition: _, ...resource }]) => [id, resolver.value(resource) as JsonObject]),
  );
}

class Resolver {
  readonly #template: Parameterized;
  readonly #values: Readonly<Record<string, string>>;

  constructor(template: Parameterized, given: Readonly<Record<string, string>>) {
    this.#template = template;
    const byDefault = Object.entries(template.Parameters ?? {}).map(([name, { Default }]) => [
      name,
      Default ?? "",
    ]);
    this.#values = { ...PSEUDO, ...(Object.fromEntries(byDefault) as Record<string, string>), ...given };
  }

  holds(condition: Json): boolean {
    if (!isObject(condition)) throw new Error(`expected a condition, found ${JSON.stringify(condition)}`);
    const [name = ""] = Object.keys(condition);
    const inner = condition[name] as readonly Json[];
    switch (name) {
      case "Condition":
        return this.holds(this.#template.Conditions?.[condition.Condition as string] ?? null);
      case "Fn::Equals":
        return this.value(inner[0] ?? null) === this.value(inner[1] ?? null);
      case "Fn::Not":
        return !this.holds(inner[0] ?? null);
      case "Fn::And":
        return inner.every((one) => this.holds(one));
      case "Fn::Or":
        return inner.some((one) => this.holds(one));
      default:
        throw new Error(`expected a condition, found ${name}`);
    }
  }

  value(json: Json): Resolved {
    if (typeof json === "number" || typeof json === "boolean") return String(json);
    if (Array.isArray(json))
      return (json as readonly Json[])
        .map((item) => this.value(item))
        .filter((item): item is Json => item !== NO_VALUE);
    if (!isObject(json)) return json;
    const [name = "", another] = Object.keys(json);
    if (another === undefined && /^(Ref|Fn::\w+)$/.test(name))
      return this.#function(name, json[name] ?? null);
    const entries = Object.entries(json).map(([key, inner]) => [key, this.value(inner)] as const);
    return Object.fromEntries(entries.filter((entry): entry is [string, Json] => entry[1] !== NO_VALUE));
  }

  #function(name: string, argument: Json): Resolved {
    const list = Array.isArray(argument) ? (argument as readonly Json[]) : [];
    switch (name) {
      case "Ref":
        if (argument === "AWS::NoValue") return NO_VALUE;
        return this.#values[argument as string] ?? { Ref: argument };
      case "Fn::If":
        return this.value((this.holds({ Condition: list[0] ?? null }) ? list[1] : list[2]) ?? null);
      case "Fn::Join":
        return (this.value(list[1] ?? null) as readonly string[]).join(list[0] as string);
      case "Fn::Split":
        return (this.value(list[1] ?? null) as string).split(list[0] as string);
      case "Fn::Select": {
        const found = (this.value(list[1] ?? null) as readonly string[])[Number(list[0])];
        if (found === undefined)
          throw new Error(`expected something in ${JSON.stringify(argument)}, found nothing`);
        return found;
      }
      case "Fn::Sub":
        return this.#sub(argument);
      case "Fn::GetAtt":
        return { "Fn::GetAtt": argument };
      default:
        throw new Error(`expected a function that is known here, found ${name}`);
    }
  }

  #sub(argument: Json): Json {
    const [text, extra] = Array.isArray(argument) ? (argument as readonly Json[]) : [argument, {}];
    const own = isObject(extra) ? extra : {};
    const filled = (text as string).replace(/\$\{([\w.:]+)\}/g, (whole, name: string) => {
      const value = name in own ? this.value(own[name] ?? null) : this.#values[name];
      return typeof value === "string" ? value : whole;
    });
    return filled.includes("${") ? { "Fn::Sub": filled } : filled;
  }
}

/** With an own table osls says once more that the mapping comes after it, which the reference says; nothing is in no order. */
export const withoutEmpty = (resources: Readonly<Record<string, JsonObject>>) =>
  Object.fromEntries(
    Object.entries(resources).map(([id, { DependsOn = [], ...rest }]) => [
      id,
      Array.isArray(DependsOn) && DependsOn.length === 0 ? rest : { ...rest, DependsOn },
    ]),
  );
