/** `npm run build:types`: the types of the library as one file. Apart from the build, which runs before each deploy. */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { generateDtsBundle } from "dts-bundle-generator";

const entry = fileURLToPath(new URL("src/library/index.ts", import.meta.url));
const [types] = generateDtsBundle(
  [{ filePath: entry, output: { noBanner: true, exportReferencedTypes: false } }],
  {
    preferredConfigPath: fileURLToPath(new URL("tsconfig.json", import.meta.url)),
  },
);
writeFileSync(new URL("dist/index.d.mts", import.meta.url), types ?? "");
