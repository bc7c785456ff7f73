import { anyOf, type Json, type JsonObject, not } from "./json.ts";
import type { Variable, Variant } from "./variables.ts";

/** The template's conditions: each is made when it is first needed. */
export class Conditions {
  readonly #made = new Map<string, JsonObject>();

  /** Whether the parameter is given in one of these ways. @returns the condition's name */
  of({ parameter, variants }: Variable, chosen: readonly Variant[]): string {
    const others = variants.filter((variant) => !chosen.includes(variant));
    const [other] = others;
    if (others.length === 1 && other?.label === "IsEmpty")
      return this.#add(`Has${parameter}`, not(other.when));
    if (others.length === 1 && other !== undefined && chosen.length > 1)
      return this.#add(`${parameter}${other.label.replace(/^Is/, "IsNot")}`, not(other.when));
    const name = `${parameter}${chosen.map(({ label }) => label).join("Or")}`;
    return this.#add(name, anyOf(chosen.map(({ when }) => when)));
  }

  /** One that has a name of its own, for a whole resource. */
  named(name: string, expression: JsonObject): string {
    return this.#add(name, expression);
  }

  /** All so far, sorted by name. */
  all(): Record<string, Json> {
    return Object.fromEntries([...this.#made].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  #add(name: string, expression: JsonObject): string {
    const before = this.#made.get(name);
    if (before && JSON.stringify(before) !== JSON.stringify(expression))
      throw new Error(`expected one condition ${name}, found two that differ`);
    this.#made.set(name, expression);
    return name;
  }
}
