import { createHash } from "node:crypto";
import { basename } from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * Files that take the longest, those first that wait the most of it: one that began last would run on alone, and what
 * computes fits in between.
 */
const LONGEST = [
  "redis-recovery",
  "shipped",
  "faults",
  "cli-validate",
  "redis-topologies",
  "pipeline-faults",
  "start",
  "chaos",
  "webhooks",
  "simulation",
  "shared-cache",
  "redis-acl",
  "cli-apps",
  "cli-doctor",
  "console",
  "differential",
  "commands",
  "package",
  "which-redis",
  "forged-messages",
  "ready-and-required",
  "storm",
  "where-it-runs",
  "node-binary",
  "fuzz-pipeline",
  "embedding",
  "properties",
];

/** The order in which files are begun; `--sequence.shuffle` makes it random, by vitest's own seed. Any will do. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const { shuffle, seed } = this.ctx.config.sequence;
    if (shuffle) return sortedBy(files, ({ moduleId }) => digest(`${seed} ${moduleId}`));
    return sortedBy(await super.sort(files), ({ moduleId }) => placeOf(moduleId));
  }
}

function placeOf(moduleId: string): number {
  const place = LONGEST.indexOf(basename(moduleId, ".test.ts"));
  return place === -1 ? LONGEST.length : place;
}

function digest(text: string): number {
  return createHash("sha256").update(text).digest().readUInt32BE();
}

/** What has the same place keeps its order. */
function sortedBy<T>(all: readonly T[], place: (one: T) => number): T[] {
  return [...all].sort((a, b) => place(a) - place(b));
}
