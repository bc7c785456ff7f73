import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { LongestFirst } from "./test/support/longest-first.ts";

/** Of a test that hangs: one that waits its turn on a busy machine may take many times as long as it does alone. */
const LIMIT_MS = 600_000;

/** `expect.poll` gives up after one second by itself. */
const POLL = { poll: { timeout: LIMIT_MS / 2 } };

/** Real parts are waited for, most of the time: what computes, at a low priority, fits into what the others wait. */
const FILES_AT_ONCE = 2 * availableParallelism() + 1;

// Node keeps there what it has compiled, for the processes that come later: workers, command lines. Node 20 does not use it.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL("node_modules/.cache/compiled", import.meta.url));

/**
 * Two projects, which run side by side: `unit` needs nothing but Node; `real` starts soketi, Redis and more on ports of its
 * own, and each file has its own tables and prefixes. Nothing is ever retried.
 */
export default defineConfig({
  test: {
    maxWorkers: FILES_AT_ONCE,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts", "test/simulation/**/*.test.ts"],
          // It imports JSON in a way that Node does not take.
          server: { deps: { inline: ["@actions/workflow-parser"] } },
          setupFiles: ["test/support/background.ts"],
          testTimeout: LIMIT_MS,
          hookTimeout: LIMIT_MS,
          expect: POLL,
        },
      },
      {
        test: {
          name: "real",
          include: ["test/real/**/*.test.ts"],
          globalSetup: ["test/real/global-setup.ts"],
          setupFiles: ["test/support/version.ts"],
          testTimeout: LIMIT_MS,
          hookTimeout: LIMIT_MS,
          expect: POLL,
          // DynamoDB Local takes any.
          env: {
            AWS_ACCESS_KEY_ID: "local",
            AWS_SECRET_ACCESS_KEY: "local",
            POWERTOOLS_METRICS_DISABLED: "true",
          },
        },
      },
    ],
  },
});
