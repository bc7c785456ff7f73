import { defineConfig } from "vitest/config";

/**
 * Two projects: `unit` needs nothing but Node; `real` starts DynamoDB Local, Redis and soketi on free ports
 * and therefore runs its files one after the other. Nothing is ever retried.
 */
export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["test/unit/**/*.test.ts", "test/simulation/**/*.test.ts"] } },
      {
        test: {
          name: "real",
          include: ["test/real/**/*.test.ts"],
          globalSetup: ["test/real/global-setup.ts"],
          setupFiles: ["test/support/version.ts"],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
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
