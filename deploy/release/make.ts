/** `npm run release [folder]`: all that can be taken without a clone, into release/. docs/release.md has what each is for. */
import { copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { plainTemplate } from "../template/plain-template.ts";
import { zippedFunctions } from "./functions.ts";
import { billOfMaterials } from "./sbom.ts";
import { checksums } from "./checksums.ts";
import { writeTerraform } from "./terraform.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = resolve(process.argv[2] ?? join(root, "release"));

// What a former release left there would be attached to this one.
rmSync(folder, { recursive: true, force: true });
mkdirSync(join(folder, "functions"), { recursive: true });

const functions = zippedFunctions(root);
for (const { file, zip } of functions) writeFileSync(join(folder, "functions", file), zip);
const template = await plainTemplate(root, new Map(functions.map(({ name, file }) => [name, file])));
writeFileSync(join(folder, "cloudformation.json"), `${JSON.stringify(template, undefined, 1)}\n`);
writeTerraform(root, join(folder, "terraform"), template);
copyFileSync(join(root, "dist/agent.cjs"), join(folder, "agent.cjs"));
execFileSync("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", folder], {
  cwd: root,
  stdio: ["ignore", "ignore", "inherit"],
});
cpSync(join(root, "deploy/containers"), join(folder, "containers"), { recursive: true });
copyFileSync(join(root, "LICENSE"), join(folder, "LICENSE"));
writeFileSync(join(folder, "sbom.cdx.json"), await billOfMaterials(root));

const sums = checksums(folder);
writeFileSync(join(folder, "SHA256SUMS"), sums);
console.log(sums.trimEnd());
console.log(`\n${folder}: version ${version()}`);

function version(): string {
  return (JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string }).version;
}
