import { configureGlobal } from "fast-check";

// Thousands of runs: a property that a mutant breaks is mostly broken at once.
configureGlobal({ numRuns: 60, seed: 1 });
