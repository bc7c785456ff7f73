import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { RegoEngine, TemplateFile } from "@aws/cloudformation-validate";

const root = fileURLToPath(new URL("../..", import.meta.url));
const osls = join(
  dirname(createRequire(import.meta.url).resolve("serverless/package.json")),
  "bin/serverless.js",
);

export interface Resource {
  readonly Type: string;
  readonly DeletionPolicy?: string;
  readonly Properties: Record<string, unknown>;
}
export interface Template {
  readonly Resources: Record<string, Resource>;
  readonly Outputs: Record<string, { readonly Value: unknown }>;
}
export interface Statement {
  readonly Sid?: string;
  readonly Effect: string;
  readonly Action: readonly string[];
  readonly Resource: readonly unknown[];
}

/**
 * `npx serverless …` in the project's folder, with what was built before. Without credentials, and without a network
 * (nothing listens at that proxy), unless the environment names an endpoint.
 *
 * @returns what it said
 * @throws Error with what it said (osls tells its errors on standard output), when it ends with anything but 0
 */
export async function serverless(args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const child = spawn(process.execPath, [osls, ...args], {
    cwd: root,
    env: {
      PATH: process.env.PATH,
      HOME: tmpdir(),
      APP_SYNC_BUILT: "1",
      ...(env.AWS_ENDPOINT_URL === undefined ? { HTTPS_PROXY: "http://127.0.0.1:9" } : {}),
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const collect = (chunk: Buffer) => {
    output += chunk.toString();
  };
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  const status = await new Promise((resolve, reject) => child.on("error", reject).on("close", resolve));
  if (status !== 0) throw new Error(`serverless ${args.join(" ")} ended with ${String(status)}: ${output}`);
  return output;
}

export const asOptions = (parameters: Readonly<Record<string, string>>): string[] =>
  Object.entries(parameters).flatMap(([name, value]) => ["--param", `${name}=${value}`]);

/** `serverless package` into a temporary folder, which the caller removes. */
export async function packaged(
  parameters: Readonly<Record<string, string>>,
  ...options: string[]
): Promise<{ template: Template; folder: string; file: string }> {
  const folder = mkdtempSync(join(tmpdir(), "soketi-app-sync-package-"));
  try {
    await serverless(["package", "--package", folder, ...asOptions(parameters), ...options]);
  } catch (error) {
    rmSync(folder, { recursive: true });
    throw error;
  }
  const file = join(folder, "cloudformation-template-update-stack.json");
  return { template: JSON.parse(readFileSync(file, "utf8")) as Template, folder, file };
}

export const resourcesOf = (template: Template, type: string): Resource[] =>
  Object.values(template.Resources).filter((resource) => resource.Type === type);

/** What the role of a function may do. */
export function statementsOf(template: Template, role: string): readonly Statement[] {
  const policies = template.Resources[role]?.Properties.Policies as
    { PolicyDocument: { Statement: Statement[] } }[] | undefined;
  return (policies ?? []).flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
}

/** Rules of the validator that do not apply, with the reason. */
const NOT_APPLIED = {
  W3005: "osls states the dependency of a function on its role twice",
  W9002: "an ARN that is given as a parameter stands in the template",
  W9013: "so does the account in it",
};

/** Made once in a process: it takes some seconds of the processor, and each template a fraction of one. */
let validator: InstanceType<typeof RegoEngine> | undefined;

/** What AWS's own offline validator finds: schemas of all resource types, references, policies, ranges. */
export function findings(templateFile: string): string[] {
  validator ??= new RegoEngine();
  const report = validator.validateStandard(new TemplateFile(templateFile), {
    severityLevel: "WARN",
    strict: true,
    exclude: { ids: Object.keys(NOT_APPLIED) },
  });
  const found = report.diagnostics.map(
    (d) => `${d.ruleId} ${d.entity?.logicalId ?? ""} ${d.propertyPath ?? ""}: ${d.message}`,
  );
  return report.status === "OK" ? found : [`analysis ended as ${report.status}`, ...found];
}

/**
 * Statements on `*`, or on everything of a service, that are neither of the two that AWS demands: network interfaces
 * can be described on `*` only, and made and removed only on every interface and subnet of the account. All streams of a
 * function's own log group are not too wide. A `Deny` may be.
 */
export function tooWide(template: Template): string[] {
  const allowed = (resource: string, actions: readonly string[]) =>
    (resource === "*" &&
      actions.every((action) => /^ec2:Describe(NetworkInterfaces|Subnets)$/.test(action))) ||
    /:log-group:[^*]+:\*"}$/.test(resource) ||
    (resource.includes(":ec2:") && actions.every((action) => action.startsWith("ec2:")));
  return Object.keys(template.Resources).flatMap((role) =>
    statementsOf(template, role)
      .filter(({ Effect }) => Effect === "Allow")
      .flatMap(({ Action, Resource }) => {
        const wild = Action.filter((action) => action.includes("*"));
        const wide = Resource.map((resource) => JSON.stringify(resource))
          .filter((resource) => resource.includes("*"))
          .filter((resource) => !allowed(resource === '"*"' ? "*" : resource, Action));
        return [...wild, ...wide].map((what) => `${role}: ${Action.join(", ")} on ${what}`);
      }),
  );
}
