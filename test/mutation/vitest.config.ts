import { defineConfig } from "vitest/config";

/** The unit tests of what `npm run mutate` changes. */
export default defineConfig({
  test: {
    include: ["test/unit/{app,protocol,agent}/**/*.test.ts"],
    setupFiles: ["test/mutation/setup.ts"],
  },
});
