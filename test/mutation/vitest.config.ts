import { defineConfig } from "vitest/config";

/** The unit tests of what `npm run mutate` changes, and a few stories of the simulation. */
export default defineConfig({
  test: {
    include: ["test/unit/{app,protocol,agent}/**/*.test.ts", "test/mutation/stories.test.ts"],
    setupFiles: ["test/mutation/setup.ts"],
    // Beside other work some take longer than usual; a mutant that hangs is Stryker's to end.
    testTimeout: 60_000,
  },
});
