import { defineConfig } from "eslint/config";
import prettier from "eslint-config-prettier";
import tseslint from "typescript-eslint";

export default defineConfig(
  {
    ignores: [
      "reports/",
      "dist/",
      ".serverless/",
      "coverage/",
      ".local/",
      "release/",
      ".vitepress/{dist,cache,.temp}/",
    ],
  },
  {
    files: ["**/*.{ts,tsx}", "local/*.mjs"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      // It asks for `!`, which no-non-null-assertion forbids.
      "@typescript-eslint/non-nullable-type-assertion-style": "off",
      "@typescript-eslint/restrict-template-expressions": [
        "error",
        { allowNumber: true, allowBoolean: true },
      ],
      // An arrow that only calls something is one line: braces around it tell nobody more.
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "no-console": "error",
      "no-restricted-syntax": [
        "error",
        {
          selector: "SpreadElement > :matches(ObjectExpression, ArrayExpression).argument",
          message: "Write its parts where they are spread: nothing else is gained but shorter lines.",
        },
      ],
      eqeqeq: "error",
    },
  },
  {
    // A file that grows past its limit has two things in it. Tests are long lists.
    files: ["src/**", "handlers/**", "local/**", "bench/**", "deploy/release/**", "deploy/template/**"],
    rules: { "max-lines": ["error", 250], "max-lines-per-function": ["error", 60] },
  },
  {
    // What talks to a person on a terminal, and measures.
    files: ["local/**", "src/cli/**", "bench/**", "test/**", "deploy/release/**"],
    rules: { "no-console": "off" },
  },
  {
    files: ["test/**"],
    ignores: ["test/support/wait-for.ts"],
    rules: {
      "no-restricted-properties": [
        "error",
        {
          object: "vi",
          property: "waitFor",
          message: "It gives up after one second: test/support/wait-for.ts does not.",
        },
        { object: "vi", property: "waitUntil", message: "It gives up after one second: use expect.poll." },
      ],
    },
  },
  prettier,
);
