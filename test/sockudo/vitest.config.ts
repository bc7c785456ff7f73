import { defineConfig } from "vitest/config";

/** Of a build of sockudo and a test. */
const LIMIT_MS = 2_400_000;

/** `npm run test:sockudo`: apart from `npm test`, since sockudo has to be built once. */
export default defineConfig({
  test: {
    name: "sockudo",
    include: ["test/sockudo/**/*.test.ts"],
    globalSetup: ["test/real/global-setup.ts", "test/sockudo/global-setup.ts"],
    testTimeout: 300_000,
    hookTimeout: LIMIT_MS,
    // One node after the other on two processors.
    fileParallelism: false,
    // DynamoDB Local takes any.
    env: { AWS_ACCESS_KEY_ID: "local", AWS_SECRET_ACCESS_KEY: "local", POWERTOOLS_METRICS_DISABLED: "true" },
  },
});
