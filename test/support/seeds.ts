/** Of fuzz tests: three that stay, so that what was found is found again, and one that is new in each run. */
export const SEEDS: readonly string[] = ["1", "2", "3", String(Date.now() % 1_000_000_000)];
