import { createHash } from "node:crypto";
import { basename } from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * Files that take the longest, those first that wait the most of it: one that began last would run on alone, and what
 * computes fits in between.
 */
const LONGEST = [
  "cli-failures",
  "doctor-faults",
  "cli-many",
  "plain-template",
  "console-states",
  "shipped",
  "webhooks",
  "package",
  "console",
  "pipeline-faults",
  "hostile-clients",
  "faults",
  "shared-cache",
  "release",
  "cli-export",
  "cli-validate",
  "redis-recovery",
  "canary",
  "cdk",
  "cli-rotation",
  "simulation",
  "relay",
  "relay-failover",
  "redis-topologies",
  "chaos",
  "forged-messages",
  "cli-doctor",
  "relay-faults",
  "start",
  "redis-credentials",
  "redis-acl",
  "commands",
  "where-it-runs",
  "node-binary",
  "embedding",
  "rotation",
  "cli-apps",
  "fences",
  "one-primary",
  "properties",
  "fuzz-pipeline",
  "differential",
  "which-redis",
  "ready-and-required",
  "storm",
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
