import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isObject, type Json, type JsonObject } from "./json.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const require = createRequire(import.meta.url);

/** What osls gives to each function that serverless.yml names. */
interface Sources {
  readonly options: { readonly param: readonly string[] };
  readonly resolveVariable: (name: string) => Promise<string>;
}
type Part = (sources: Sources) => Promise<Json>;

/** What the parameters lead to, before osls adds what it makes itself. */
export interface Parts {
  readonly resources: Readonly<Record<string, JsonObject>>;
  readonly outputs: JsonObject;
  readonly functions: readonly string[];
  readonly environment: JsonObject;
  readonly vpc: Json;
  readonly reservedConcurrency: Json;
  readonly logRetentionDays: Json;
  readonly streamArn: Json;
  /** Functions that serverless.yml has from here -> `environment` of their own, `rate` of those that run by the clock. */
  readonly definitions: JsonObject;
}

/** Each `${file(./deploy/….cjs):name}` under `resources` of serverless.yml: no list of ours, that one of theirs could be missing in. */
function resourceParts(): Part[] {
  const yaml = readFileSync(join(root, "serverless.yml"), "utf8");
  const resources = /^resources:\n((?: +.*\n|\n)+)/m.exec(yaml)?.[1] ?? "";
  const files = [...resources.matchAll(/\$\{file\((\.\/deploy\/[\w-]+\.cjs)\)(?::(\w+))?\}/g)];
  return files.map(([, file = "", name]) => {
    const loaded = require(join(root, file)) as Part & Record<string, Part>;
    const part = name === undefined ? loaded : loaded[name];
    if (!part) throw new Error(`expected ${file} to export ${name ?? "a function"}, found nothing`);
    return part;
  });
}

const parts = resourceParts();
type Known = "environment" | "vpc" | "reservedConcurrency" | "logRetentionDays" | "streamArn";
/** Beside these, what serverless.yml has of a function that is not always there, by the function's name. */
const variants = require("../variants.cjs") as Record<Known, Part> & Partial<Record<string, Part>>;
const { settings } = require("../parameters.cjs") as {
  settings: (sources: Sources) => Promise<{ functions: string[] }>;
};

/** With these parameters, by name; the stage is one of them. */
export async function partsWith(given: Readonly<Record<string, string>>): Promise<Parts> {
  const { stage = "", ...others } = given;
  const sources: Sources = {
    options: { param: Object.entries(others).map(([name, value]) => `${name}=${value}`) },
    resolveVariable: (name) => Promise.resolve(name === "sls:stage" ? stage : "us-east-1"),
  };
  const made = await Promise.all(parts.map((part) => part(sources)));
  const merged = (key: string) =>
    Object.assign({}, ...made.map((part) => (isObject(part) ? (part[key] ?? {}) : {}))) as Record<
      string,
      JsonObject
    >;
  const [{ functions }, environment, vpc, reservedConcurrency, logRetentionDays, streamArn] =
    await Promise.all([
      settings(sources),
      variants.environment(sources),
      variants.vpc(sources),
      variants.reservedConcurrency(sources),
      variants.logRetentionDays(sources),
      variants.streamArn(sources),
    ]);
  return {
    resources: merged("Resources"),
    outputs: merged("Outputs"),
    functions,
    environment: environment as JsonObject,
    vpc,
    reservedConcurrency,
    logRetentionDays,
    streamArn,
    definitions: Object.fromEntries(
      (await Promise.all(functions.map((name) => definitionOf(name, sources)))).flat(),
    ),
  };
}

interface Definition {
  readonly environment?: JsonObject;
  readonly events?: readonly { readonly schedule?: { readonly rate: readonly string[] } }[];
}

async function definitionOf(name: string, sources: Sources): Promise<[string, JsonObject][]> {
  const definitions = (await variants[name]?.(sources)) as Partial<Record<string, Definition>> | undefined;
  const definition = definitions?.[name];
  if (!definition) return [];
  const rate = definition.events?.[0]?.schedule?.rate[0];
  return [[name, { environment: definition.environment ?? {}, ...(rate === undefined ? {} : { rate }) }]];
}
