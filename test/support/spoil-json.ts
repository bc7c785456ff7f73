import type { Random } from "../simulation/random.ts";

/** What may stand in JSON where something else is expected. */
const WRONG: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1e308,
  "",
  "x",
  "\u0000",
  "\ud800",
  "__proto__",
  [],
  {},
  [null],
  [[[[[]]]]],
  { toString: 1 },
];

/** The same with one to three things changed in it: replaced, removed, repeated, renamed or nested. */
export function spoilJson(random: Random, value: unknown): unknown {
  const copy = { root: structuredClone(value) };
  for (let times = random.integer(1, 3); times > 0; times -= 1) {
    const all = places(copy);
    if (all.length === 0) break;
    const [owner, name] = random.pick(all);
    CHANGES[random.integer(0, CHANGES.length - 1)]?.(owner, name, random);
  }
  return copy.root;
}

type Owner = Record<string, unknown>;

const CHANGES: readonly ((owner: Owner, name: string, random: Random) => void)[] = [
  (owner, name, random) => (owner[name] = structuredClone(random.pick(WRONG))),
  (owner, name) => Reflect.deleteProperty(owner, name),
  (owner, name) => (owner[name] = [owner[name], structuredClone(owner[name])]),
  (owner, name) => (owner[name] = { [name]: owner[name] }),
  (owner, name, random) => (owner[`${name}${random.integer(0, 9)}`] = structuredClone(owner[name])),
  (owner, name) => (owner[name] = JSON.stringify(owner[name])),
  (owner, name) => (owner[name] = typeof owner[name] === "string" ? Number(owner[name]) : 0),
];

/** Every place in it that holds something. */
function places(value: unknown): [Owner, string][] {
  if (typeof value !== "object" || value === null) return [];
  const owner = value as Owner;
  return Object.keys(owner).flatMap((name) => [[owner, name] as [Owner, string], ...places(owner[name])]);
}

/** Text with some of its characters changed, removed, or cut off. */
export function spoilText(random: Random, text: string): string {
  const at = random.integer(0, text.length);
  switch (random.integer(0, 3)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(0, at) + text.slice(at + random.integer(1, 5));
    case 2:
      return text.slice(0, at) + String.fromCharCode(random.integer(0, 65_535)) + text.slice(at + 1);
    default:
      return text.slice(0, at) + text.slice(random.integer(0, text.length));
  }
}
