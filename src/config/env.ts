import { HOST } from "./redis-url.ts";
import { ConfigError } from "./errors.ts";
import { withoutLastLineBreaks } from "./line-breaks.ts";

/** Environment variables as Node and Lambda give them. */
export type Environment = Readonly<Record<string, string | undefined>>;

const NOT_SHOWN = "(not shown: it may hold a password)";

/** Nobody's password, and of use to whoever wrote it in the wrong place. */
const HARMLESS =
  /^(true|false|on|off|yes|no|none|null|undefined|enabled?|disabled?|-?\d{1,3}|\d{1,3}(\.\d{1,3}|e\d)|\d{1,3}(ms|s|m|h|d))$/i;

/** A wrong value in words. Whoever mixes variables up puts a password where none belongs: next to nothing is quoted. */
export function shown(value: string): string {
  if (HARMLESS.test(value)) return JSON.stringify(value);
  return `${value.includes("://") ? "a URL" : "something else"} ${NOT_SHOWN}`;
}

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
      // From a program in JavaScript it may be anything.
      const given: unknown = this.#env[name] ?? "";
      const value = withoutLastLineBreaks(String(given));
      if (value !== "") return value;
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
    const { min, max } = range;
    const found = Number.isNaN(number) ? shown(value) : `a number ${number < min ? "below" : "above"} that`;
    this.wrong(name, `a whole number from ${min} to ${max}`, found, String(range.default));
    return range.default;
  }

  flag(name: string, byDefault: boolean): boolean {
    const value = this.text(name)?.toLowerCase();
    if (value === undefined) return byDefault;
    if (["true", "on", "1", "yes"].includes(value)) return true;
    if (["false", "off", "0", "no"].includes(value)) return false;
    this.wrong(name, "on or off", shown(value), byDefault ? "on" : "off");
    return byDefault;
  }

  /** One of some words; the first is the default. */
  choice<T extends string>(name: string, words: readonly [T, ...T[]]): T {
    const value = this.text(name);
    if (value === undefined) return words[0];
    const word = words.find((candidate) => candidate === value.toLowerCase());
    if (word === undefined) this.wrong(name, words.join(", "), shown(value));
    return word ?? words[0];
  }

  /**
   * `host:port` items separated by commas, at least one; an IPv6 address goes in brackets. The port is required: a name
   * alone may be a password that has a comma before it, and would be told to everyone as a host that is unknown.
   */
  hostList(name: string): { host: string; port: number }[] {
    const expected = "host:port items separated by commas";
    const items = (this.text(name) ?? "").split(",").map((item) => item.trim());
    const hosts = items.flatMap((item, i) => {
      if (item === "") return [];
      const [, host = "", port] = /^(.*?)(?::(\d{1,5}))?$/s.exec(item) ?? [];
      const isHost = HOST.test(host);
      if (!isHost || !(Number(port) >= 1 && Number(port) <= 65_535)) {
        const found = isHost && port === undefined ? "no port" : "another form";
        const login = item.includes("@") ? " User and password have their own variables." : "";
        this.wrong(name, expected, `${found} in item ${i + 1} ${NOT_SHOWN}`, undefined, login);
      }
      return [{ host: host.replace(/^\[(.*)\]$/, "$1"), port: Number(port) }];
    });
    if (hosts.length === 0) this.wrong(name, expected, "none");
    return hosts;
  }

  /** @param found what was found, in words: a value itself may be a password that belongs into another variable. */
  wrong(name: string, expected: string, found: string, example?: string, advice = ""): void {
    const hint = example === undefined ? "" : ` For example ${name}=${example}.`;
    this.mistakes.push(`${name}: expected ${expected}, found ${found}.${hint}${advice}`);
  }

  /** @throws ConfigError when anything read was wrong. */
  finish(): void {
    if (this.mistakes.length > 0) throw new ConfigError(this.mistakes);
  }
}
