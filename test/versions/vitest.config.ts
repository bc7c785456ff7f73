import { defineConfig } from "vitest/config";

/** Of a download and a test. */
const LIMIT_MS = 600_000;

/** `npm run versions:proof`: apart from `npm test`, since each version is 290 MB from npm. */
export default defineConfig({
  test: {
    name: "versions",
    include: ["test/versions/**/*.test.ts"],
    globalSetup: ["test/real/global-setup.ts"],
    testTimeout: LIMIT_MS,
    hookTimeout: LIMIT_MS,
    // DynamoDB Local takes any.
    env: { AWS_ACCESS_KEY_ID: "local", AWS_SECRET_ACCESS_KEY: "local", POWERTOOLS_METRICS_DISABLED: "true" },
  },
});
