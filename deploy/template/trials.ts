import type { Variable } from "./variables.ts";

/** Which variant each variable has: an index for each, in the variables' order. */
export type Assignment = readonly number[];

export interface Trials {
  readonly assignments: readonly Assignment[];
  /** Pairs of assignments, by their indices, that differ in one variable alone. */
  readonly flips: readonly { readonly a: number; readonly b: number; readonly variable: number }[];
}

/**
 * How many random assignments each variable is flipped in. What depends on three others as well shows in one of eight or so: that
 * none of 48 is such a one has a chance of 0.2%. The numbers are the same each time, and what is made of them is compared with the
 * source for other ones by a test.
 */
const BASES = 48;

/** Random, and the same each time. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    // Marsaglia's xorshift.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

export function randomAssignments(variables: readonly Variable[], count: number, seed: number): Assignment[] {
  const random = randomNumbers(seed);
  // Half of them as they are by default: who asks for two logins at once gets the first, and the others would seldom show.
  const one = ({ variants }: Variable) => (random(2) === 0 ? 0 : random(variants.length));
  return Array.from({ length: count }, () => variables.map(one));
}

export function makeTrials(variables: readonly Variable[]): Trials {
  const known = new Map<string, number>();
  const assignments: Assignment[] = [];
  const indexOf = (assignment: Assignment) => {
    const key = assignment.join();
    const index = known.get(key) ?? assignments.push(assignment) - 1;
    known.set(key, index);
    return index;
  };
  const bases = [variables.map(() => 0), ...randomAssignments(variables, BASES, 20_261_127)];
  const flips = bases.flatMap((base) => {
    const a = indexOf(base);
    return variables.flatMap(({ variants }, variable) =>
      variants.flatMap((_, other) =>
        other === base[variable]
          ? []
          : [{ a, b: indexOf(base.map((variant, i) => (i === variable ? other : variant))), variable }],
      ),
    );
  });
  return { assignments, flips };
}

export const valuesOf = (variables: readonly Variable[], assignment: Assignment): Record<string, string> =>
  Object.fromEntries(
    variables.map(({ name, variants }, i) => [name, variants[assignment[i] ?? 0]?.value ?? ""]),
  );
