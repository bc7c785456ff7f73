import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import type { Attributes } from "./raw-item.ts";

/** Builds the expressions of one request with their placeholders: attribute names may be reserved words. */
export class Expression {
  readonly #names: Record<string, string> = {};
  readonly #values: Record<string, AttributeValue> = {};

  /** Sets attributes, and removes those that are undefined. */
  update(attributes: Attributes): string {
    const sets: string[] = [];
    const removes: string[] = [];
    for (const [name, value] of Object.entries(attributes)) {
      if (value === undefined) removes.push(this.#name(name));
      else sets.push(`${this.#name(name)} = ${this.#value(value)}`);
    }
    return [
      sets.length > 0 ? `SET ${sets.join(", ")}` : "",
      removes.length > 0 ? `REMOVE ${removes.join(", ")}` : "",
    ].join(" ");
  }

  /** The item is there, and each attribute as given. To be called last: it has the placeholders of all. */
  condition(expected: Attributes) {
    const terms = Object.entries(expected).map(([name, value]) =>
      value === undefined
        ? `attribute_not_exists(${this.#name(name)})`
        : `${this.#name(name)} = ${this.#value(value)}`,
    );
    return {
      ConditionExpression: [`attribute_exists(${this.#name("AppId")})`, ...terms].join(" AND "),
      ExpressionAttributeNames: this.#names,
      // DynamoDB refuses an empty one.
      ExpressionAttributeValues: Object.keys(this.#values).length > 0 ? this.#values : undefined,
    };
  }

  #name(name: string): string {
    const known = Object.entries(this.#names).find(([, text]) => text === name);
    const placeholder = known?.[0] ?? `#n${Object.keys(this.#names).length}`;
    this.#names[placeholder] = name;
    return placeholder;
  }

  #value(value: AttributeValue): string {
    const placeholder = `:v${Object.keys(this.#values).length}`;
    this.#values[placeholder] = value;
    return placeholder;
  }
}
