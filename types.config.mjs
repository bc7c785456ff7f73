/** `npm run build:types`: the types of what programs import, one file for each. Apart from the build, which runs before each deploy. */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { generateDtsBundle } from "dts-bundle-generator";

const path = (file) => fileURLToPath(new URL(file, import.meta.url));
const files = { "src/library/index.ts": "dist/index.d.mts", "src/cdk/index.ts": "dist/cdk.d.cts" };

const made = generateDtsBundle(
  Object.keys(files).map((entry) => ({
    filePath: path(entry),
    output: { noBanner: true, exportReferencedTypes: false },
  })),
  { preferredConfigPath: path("tsconfig.json") },
);
for (const [i, file] of Object.values(files).entries()) writeFileSync(path(file), made[i] ?? "");
