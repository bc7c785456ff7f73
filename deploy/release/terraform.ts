import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { PlainTemplate } from "../template/plain-template.ts";

/** As Terraform names variables: `RedisUrl` is `redis_url`. */
export const variableOf = (parameter: string): string =>
  parameter.replace(/(?<=[a-z0-9])(?=[A-Z])/g, "_").toLowerCase();

/** A text of HCL: as in JSON, but for the two signs that begin a template. */
const quoted = (text: string): string => JSON.stringify(text).replace(/([$%])\{/g, "$1$1{");

const block = (head: string, lines: readonly string[]): string => `${head} {\n${lines.map((line) => `  ${line}\n`).join("")}}\n`; // prettier-ignore

type Named = Pick<PlainTemplate, "Parameters" | "Outputs">;

/**
 * The files of the Terraform module that follow from the template: one variable for each parameter, all of them handed to
 * the stack, and its outputs.
 */
export function terraformFiles({ Parameters, Outputs }: Named): Record<string, string> {
  const parameters = Object.entries(Parameters);
  const variables = parameters.map(([name, { Description, Default }]) =>
    block(`variable "${variableOf(name)}"`, [
      `description = ${quoted(Description as string)}`,
      "type        = string",
      ...(typeof Default === "string" ? [`default     = ${quoted(Default)}`] : []),
      "nullable    = false",
    ]),
  );
  const outputs = Object.entries(Outputs).map(([name, output]) =>
    block(`output "${variableOf(name)}"`, [
      `description = ${quoted((output as { Description: string }).Description)}`,
      // One under a condition is not always there.
      `value       = lookup(aws_cloudformation_stack.this.outputs, "${name}", null)`,
    ]),
  );
  const longest = Math.max(...parameters.map(([name]) => name.length));
  const handed = parameters.map(([name]) => `  ${name.padEnd(longest)} = var.${variableOf(name)}`);
  return {
    "parameters.tf": block("locals", ["parameters = {", ...handed, "}"]),
    "parameter-variables.tf": variables.join("\n"),
    "stack-outputs.tf": outputs.join("\n"),
  };
}

/** The module, as a folder. */
export function writeTerraform(root: string, folder: string, template: Named): void {
  cpSync(join(root, "deploy/terraform"), folder, { recursive: true });
  for (const [file, text] of Object.entries(terraformFiles(template)))
    writeFileSync(join(folder, file), text);
}
