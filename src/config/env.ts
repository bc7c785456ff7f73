import { ConfigError } from "./errors.ts";

/** Environment variables as Node and Lambda give them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads variables and remembers what is wrong with them, so that all mistakes are told together. Each read gives a
 * usable value; `finish` throws when any of them was a stand-in. An empty variable counts as absent, as in soketi.
 */
export class EnvReader {
  readonly mistakes: string[] = [];
  readonly #env: Environment;

  constructor(env: Environment) {
    this.#env = env;
  }

  /** The first of the names that is set. */
  text(...names: string[]): string | undefined {
    for (const name of names) {
      const value = this.#env[name];
      if (value !== undefined && value !== "") return value;
    }
    return undefined;
  }

  /** @param names the variable, or its names: the first that is set counts. */
  integer(names: string | readonly string[], range: { min: number; max: number; default: number }): number {
    const all = typeof names === "string" ? [names] : names;
    const name = all.find((candidate) => this.text(candidate) !== undefined) ?? "";
    const value = this.text(name);
    if (value === undefined) return range.default;
    const number = /^-?\d+$/.test(value) ? Number(value) : Number.NaN;
    if (number >= range.min && number <= range.max) return number;
    this.wrong(name, `a whole number from ${range.min} to ${range.max}`, value, String(range.default));
    return range.default;
  }

  flag(name: string, byDefault: boolean): boolean {
    const value = this.text(name)?.toLowerCase();
    if (value === undefined) return byDefault;
    if (["true", "on", "1", "yes"].includes(value)) return true;
    if (["false", "off", "0", "no"].includes(value)) return false;
    this.wrong(name, "on or off", value, byDefault ? "on" : "off");
    return byDefault;
  }

  /** One of some words; the first is the default. */
  choice<T extends string>(name: string, words: readonly [T, ...T[]]): T {
    const value = this.text(name);
    if (value === undefined) return words[0];
    const word = words.find((candidate) => candidate === value.toLowerCase());
    if (word === undefined) this.wrong(name, words.join(", "), value);
    return word ?? words[0];
  }

  /** `host:port` items separated by commas; an IPv6 address goes in brackets. */
  hostList(name: string, defaultPort: number): { host: string; port: number }[] {
    const value = this.text(name) ?? "";
    return value
      .split(",")
      .map((item) => item.trim())
      .filter((item) => item !== "")
      .map((item) => {
        const match = /^(?:\[([^\]]+)\]|([^:\s]+))(?::(\d{1,5}))?$/.exec(item);
        const port = Number(match?.[3] ?? defaultPort);
        if (!match || port < 1 || port > 65535) this.wrong(name, "host:port items separated by commas", item);
        return { host: match?.[1] ?? match?.[2] ?? "", port };
      });
  }

  wrong(name: string, expected: string, found: string, example?: string): void {
    const hint = example === undefined ? "" : ` For example ${name}=${example}.`;
    // Whoever mixes variables up puts a URL with a password, which may hold / and @ itself, where none belongs.
    const shown = JSON.stringify(found).replace(/\/\/.*@/, "//…@");
    this.mistakes.push(`${name}: expected ${expected}, found ${shown}.${hint}`);
  }

  /** @throws ConfigError when anything read was wrong. */
  finish(): void {
    if (this.mistakes.length > 0) throw new ConfigError(this.mistakes);
  }
}
