import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { parse } from "yaml";
import { root } from "./fleet.ts";

export interface ComposeService {
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly image?: string;
  readonly command?: readonly string[];
  /** Null: empty, as YAML has it. */
  readonly environment?: Readonly<Record<string, string | null>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly profiles?: readonly string[];
}

const containers = join(root, "deploy/containers");

/** The services of deploy/containers/compose.yml with local.env, as Compose makes them of it. */
export function composeServices(): Readonly<Record<string, ComposeService>> {
  const given = parseEnv(readFileSync(join(containers, "local.env"), "utf8"));
  const text = readFileSync(join(containers, "compose.yml"), "utf8").replaceAll(
    /\$\{(\w+):-([^}]*)\}/g,
    (_, name: string, byDefault: string) => {
      const value = given[name] ?? "";
      return value === "" ? byDefault : value;
    },
  );
  const { services } = parse(text, { merge: true }) as { services: Record<string, ComposeService> };
  return services;
}
