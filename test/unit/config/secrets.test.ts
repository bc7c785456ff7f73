import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { explain } from "../../../src/cli/support/explain.ts";
import { readAgentConfig } from "../../../src/config/agent.ts";
import { describeRedis } from "../../../src/config/describe-redis.ts";
import { EnvReader } from "../../../src/config/env.ts";
import { ConfigError } from "../../../src/config/errors.ts";
import { readPipelineConfig, readToolsConfig } from "../../../src/config/pipeline.ts";
import { OWN_PREFIX, readRedis } from "../../../src/config/redis.ts";
import { readRelayConfig } from "../../../src/config/relay.ts";
import { readSettings } from "../../../src/library/settings.ts";

/** Every variable that is read, as the sources name it. */
const folder = new URL("../../../src/config/", import.meta.url);
const sources = readdirSync(folder).map((file) => readFileSync(new URL(file, folder), "utf8"));
const NAMES = [...new Set(sources.join("\n").match(/(?<=")[A-Z]+(?:_[A-Z]+)+(?=")/g) ?? [])];
const VARIABLES = [
  ...NAMES,
  ...NAMES.filter((name) => name.startsWith("REDIS_")).map((name) => OWN_PREFIX + name),
];

/** Each character that means something in one of the forms, in the middle of a password. */
const PASSWORDS = Array.from("#?/\\@:,;%&=+ \n\t'\"[]{}$|", (character) => `zebra${character}quokka`);

/** How people write a password where Redis is asked for; and where nothing of the kind is. */
const FORMS: readonly ((password: string) => string)[] = [
  (password) => password,
  (password) => `default:${password}@host:6379`,
  (password) => `a:6379,default:${password}@host:6379`,
  (password) => `redis://default:${password}@host:6379/0`,
  (password) => `redis://default:12${password}@host`,
  (password) => `rediss://:${password}@host`,
  (password) => `redis://host?password=${password}`,
  (password) => `http://${password}@host`,
  (password) => `host:6379:${password}`,
  (password) => `host:6379 ${password}`,
  (password) => `a:1,${password}`,
  (password) => `${password},a:1`,
  (password) => `a:1;${password}`,
  (password) => `a:1,default:${password}`,
  (password) => `${password}:x`,
  (password) => `redis://host:6379@${password}`,
  (password) => JSON.stringify([{ host: "a", port: 1, password }]),
  (password) => JSON.stringify(["a:1", password]),
  (password) => JSON.stringify({ host: "a", port: 1, password }),
];

/** With nothing in it that could not be in a name: in a list, and in a URL where capitals tell that it is none. */
const PLAIN = ["zebraquokka", "Zebra4Quokka", "zebra-quokka"];
const SWAPPED = ["redis://Zebra4Quokka", "redis://user@ZebraQuokka:6379", "redis://user:host@Zebra4Quokka"];

const READERS: Readonly<Record<string, (env: Record<string, string>) => unknown>> = {
  pipeline: readPipelineConfig,
  tools: readToolsConfig,
  relay: readRelayConfig,
  agent: (env) => {
    const { redis } = readAgentConfig(env, "apps");
    // It is in the line that says that the agent is attached.
    return redis && describeRedis(redis.settings);
  },
  library: (environment) => readSettings({ environment }),
  "option of the library": ({ REDIS_URL: redis = "" }) => readSettings({ redis, environment: {} }),
};

function messageOf(read: () => unknown): string {
  try {
    const said = read();
    return typeof said === "string" ? said : "";
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
}

/** With what it needs to be looked at. */
function beside(name: string): Record<string, string> {
  const prefix = name.startsWith(`${OWN_PREFIX}REDIS_`) ? OWN_PREFIX : "";
  const all: Record<string, Record<string, string>> = {
    REDIS_SENTINEL_NAME: { REDIS_SENTINELS: "a:1" },
    REDIS_TLS: { REDIS_CLUSTER_NODES: "a:1" },
    REDIS_TLS_SERVERNAME: { REDIS_CLUSTER_NODES: "a:1" },
    REDIS_DB: { REDIS_SENTINELS: "a:1", REDIS_SENTINEL_NAME: "main" },
    REDIS_SENTINEL_TLS: { REDIS_SENTINELS: "a:1", REDIS_SENTINEL_NAME: "main" },
    REDIS_IAM_CACHE_NAME: { REDIS_CLUSTER_NODES: "a:1" },
    APP_SYNC_PREFIX: { REDIS_CLUSTER_NODES: "a:1" },
  };
  const needed = Object.entries(all[name.slice(prefix.length)] ?? {});
  return Object.fromEntries(needed.map(([needs, value]) => [prefix + needs, value]));
}

/** How it gets into the address of a local DynamoDB. */
const ENDPOINTS: readonly ((password: string) => string)[] = [
  (password) => `http://user:${password}@localhost:8000`,
  (password) => `http://${password}@localhost:8000`,
  (password) => `http://user:12/${password}@localhost:8000`,
  (password) => `http://localhost:8000/?password=${password}`,
  (password) => `http://localhost:8000#${password}`,
  (password) => `http://localhost:8000/${password}`,
];

describe("a password is not echoed", () => {
  it.each(["APP_MANAGER_DYNAMODB_ENDPOINT", "SOKETI_APP_MANAGER_DYNAMODB_ENDPOINT"])(
    "in %s, also where the table is missing there",
    (name) => {
      const missing = Object.assign(new Error(), { name: "ResourceNotFoundException" });
      for (const value of [...FORMS, ...ENDPOINTS].flatMap((form) => [...PASSWORDS, ...PLAIN].map(form))) {
        const said = messageOf(() => explain(missing, readToolsConfig({ [name]: value })));
        expect(said, value).toMatch(/^expected table apps at|expected a URL with http/);
        expect(said, value).not.toMatch(/zebra|quokka/i);
      }
    },
  );

  it("finds the variables", () => {
    expect(VARIABLES.length).toBeGreaterThan(30);
  });

  it.each(VARIABLES)("in %s, however it is written, whoever reads it", (name) => {
    const values = FORMS.flatMap((form) => [...PASSWORDS, ...PLAIN].map(form));
    for (const value of [...values, ...SWAPPED]) {
      const env = { ...beside(name), [name]: value };
      for (const [reader, read] of Object.entries(READERS)) {
        const message = messageOf(() => read(env));
        expect(message, `${reader}: ${JSON.stringify(env)}`).not.toMatch(/zebra|quokka/i);
      }
    }
  });

  it.each([
    "REDIS_TLS",
    "REDIS_SENTINEL_TLS",
    "APP_SYNC_REDIS_TLS",
    "REDIS_DB",
    "APP_SYNC_REDIS_DB",
    "REDIS_SENTINELS",
    "APP_SYNC_REDIS_SENTINELS",
    "APP_SYNC_REDIS_URL",
    "REDIS_CLUSTER_NODES",
    "REDIS_URL",
    "REDIS_IAM_CACHE_NAME",
    "SHARED_CACHE",
    "SHARED_CACHE_FORMAT",
    "APP_SYNC_LOG_LENGTH",
    "APP_SYNC_MIN_REPLICAS",
    "APP_SYNC_LOG_BYTES",
  ])("in %s, which is told to be wrong all the same", (name) => {
    const message = messageOf(() => readPipelineConfig({ ...beside(name), [name]: "u:zebra@quokka:1" }));
    expect(message).toMatch(new RegExp(`${name}: expected .*not shown`));
  });

  it("but what nobody has for a password is shown, to find it by", () => {
    const message = messageOf(() =>
      readPipelineConfig({ REDIS_URL: "redis://a", SHARED_CACHE: "on", REDIS_TLS: "1h" }),
    );
    expect(message).toContain('SHARED_CACHE: expected off, evict, refresh, found "on"');
    expect(message).toContain('REDIS_TLS: expected on or off, found "1h"');
  });
});

describe("a password in a URL", () => {
  it.each(PASSWORDS)("%j, as it is: leads to the host that was meant, or nowhere", (password) => {
    const env = new EnvReader({ REDIS_URL: `redis://user:12${password}@host:1` });
    const settings = readRedis(env);
    if (settings) expect(settings).toMatchObject({ host: "host", port: 1, password: `12${password}` });
    else expect(env.mistakes).toHaveLength(1);
  });

  it.each(PASSWORDS)("%j, encoded: is taken", (password) => {
    const env = new EnvReader({ REDIS_URL: `redis://user:${encodeURIComponent(password)}@host` });
    expect(readRedis(env)).toMatchObject({ host: "host", username: "user", password });
    expect(env.mistakes).toEqual([]);
  });
});
