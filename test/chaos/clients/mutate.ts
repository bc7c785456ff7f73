import type { Random } from "../../simulation/random.ts";

/** What stands where something else is expected. `DEEP`, `MANY` and `HUGE` become that in the text. */
const DEEP = "@deep@";
const MANY = "@many@";
const HUGE = "@huge@";
const STRANGE: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1e308,
  "",
  " ",
  "5",
  "__proto__",
  "constructor",
  "\u0000",
  "\ud800",
  "ä".repeat(300),
  [],
  [null],
  {},
  { length: 1 },
  { toString: null },
  { then: 1 },
  { toJSON: 1 },
  DEEP,
  MANY,
  HUGE,
];

const STRANGE_NAMES = ["__proto__", "constructor", "toString", "then", "length", "", "0", "channel", HUGE];

/** A valid message, most often with something wrong in it: as text, so that it need not even be JSON. */
export function spoiltText(random: Random, valid: object): string {
  let value: unknown = valid;
  for (let i = random.integer(0, 3); i > 0; i -= 1) value = spoilt(random, value, 0);
  const text = JSON.stringify(value)
    .replaceAll(`"${DEEP}"`, () => nested(random.pick([600, 5_000, 20_000])))
    .replaceAll(`"${MANY}"`, () => manyValues(random))
    .replaceAll(HUGE, () => "x".repeat(random.pick([1_000, 12_000, 120_000])));
  return random.chance(0.15) ? broken(random, text) : text;
}

/** One place of it, at any depth, is missing, doubled, wrapped, renamed, or something else. */
function spoilt(random: Random, value: unknown, depth: number): unknown {
  if (typeof value !== "object" || value === null || random.chance(0.1))
    return depth === 0 && random.chance(0.8) ? value : random.pick(STRANGE);
  if (Array.isArray(value)) {
    const items = value as unknown[];
    if (items.length === 0 || random.chance(0.2)) return [...items, random.pick(STRANGE)];
    const at = random.integer(0, items.length - 1);
    return items.map((item, i) => (i === at ? spoilt(random, item, depth + 1) : item));
  }
  const entries = Object.entries(value);
  if (entries.length === 0) return { [random.pick(STRANGE_NAMES)]: random.pick(STRANGE) };
  const at = random.integer(0, entries.length - 1);
  const [name = "", content] = entries[at] ?? [];
  switch (random.integer(0, 5)) {
    case 0:
      entries.splice(at, 1);
      break;
    case 1:
      entries[at] = [name, [content]];
      break;
    case 2:
      entries[at] = [random.pick(STRANGE_NAMES), content];
      break;
    case 3:
      entries[at] = [name, random.pick(STRANGE)];
      break;
    default:
      entries[at] = [name, spoilt(random, content, depth + 1)];
  }
  return Object.fromEntries(entries);
}

function nested(levels: number): string {
  return "[".repeat(levels) + "]".repeat(levels);
}

/** The smallest values take the longest to parse. */
function manyValues(random: Random): string {
  const value = random.pick(["{}", "[]", "0", '""', '{"a":0}']);
  return `[${`${value},`.repeat(random.pick([100, 30_000, 150_000]))}${value}]`;
}

function broken(random: Random, text: string): string {
  const at = random.integer(0, text.length);
  switch (random.integer(0, 3)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text + text;
    case 2:
      return `${text.slice(0, at)}\u0000\ufffd${text.slice(at)}`;
    default:
      // The same name twice: the last one counts.
      return text.replace("{", '{"event":5,"channel":{},');
  }
}
