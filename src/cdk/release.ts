import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A parameter of the release's template, as far as its value is judged here. */
export interface TemplateParameter {
  readonly Default?: string;
  readonly AllowedPattern?: string;
  readonly AllowedValues?: readonly string[];
  readonly MaxLength?: number;
  readonly ConstraintDescription?: string;
}

export interface TemplateRule {
  readonly Assertions: readonly { readonly Assert: unknown; readonly AssertDescription: string }[];
}

export interface ReleaseTemplate {
  readonly Parameters: Readonly<Record<string, TemplateParameter>>;
  readonly Rules: Readonly<Record<string, TemplateRule>>;
  readonly Conditions: Readonly<Record<string, unknown>>;
  readonly Resources: Readonly<Record<string, { readonly Type: string; readonly Properties: object }>>;
}

export interface Release {
  readonly templateFile: string;
  readonly template: ReleaseTemplate;
  /** Id of the function in the template -> the path of its zip. */
  readonly zips: ReadonlyMap<string, string>;
}

/**
 * @param folder what `npm run release` made
 * @throws Error when the template or the zip of a function is not in it
 */
export function readRelease(folder: string): Release {
  const templateFile = join(folder, "cloudformation.json");
  if (!existsSync(templateFile)) {
    throw new Error(
      `release: expected the folder of a release of soketi-app-sync, with cloudformation.json and functions/ in it, ` +
        `found no cloudformation.json in ${folder}. Unpack the release there, or give another path`,
    );
  }
  const template = JSON.parse(readFileSync(templateFile, "utf8")) as ReleaseTemplate;
  const functions = Object.entries(template.Resources).filter(([, { Type }]) => Type === "AWS::Lambda::Function"); // prettier-ignore
  return {
    templateFile,
    template,
    zips: new Map(functions.map(([id, resource]) => [id, zipOf(folder, id, resource.Properties)])),
  };
}

/** The name of the zip stands in the template, behind the prefix of the bucket. */
function zipOf(folder: string, id: string, properties: object): string {
  const code = JSON.stringify((properties as { readonly Code?: unknown }).Code);
  const file = /([\w-]+\.zip)"/.exec(code)?.[1] ?? "";
  const functions = join(folder, "functions");
  const found = existsSync(functions) ? readdirSync(functions) : [];
  if (file === "" || !found.includes(file)) {
    throw new Error(
      `release: expected ${file || "a zip"} of ${id} in ${functions}, found ${found.join(", ") || "nothing"}. ` +
        "Take the template and the zips of one release",
    );
  }
  return join(functions, file);
}
