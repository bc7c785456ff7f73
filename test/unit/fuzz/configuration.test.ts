import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readAgentConfig } from "../../../src/config/agent.ts";
import { ConfigError } from "../../../src/config/errors.ts";
import { readPipelineConfig } from "../../../src/config/pipeline.ts";
import { Random } from "../../simulation/random.ts";
import { SEEDS } from "../../support/seeds.ts";
import { spoilText } from "../../support/spoil-json.ts";

const ENVIRONMENTS = 3_000;
const SECRET = "s3cr3t-of-redis";

/** Every variable that is read, as the sources name it. */
const folder = new URL("../../../src/config/", import.meta.url);
const sources = readdirSync(folder).map((file) => readFileSync(new URL(file, folder), "utf8"));
const VARIABLES = [...new Set(sources.join("\n").match(/(?<=")[A-Z]+(?:_[A-Z]+)+(?=")/g) ?? [])];

const VALUES: readonly string[] = [
  "",
  " ",
  "0",
  "-1",
  "1e9",
  "99999999999999999999",
  "NaN",
  "true",
  "OFF",
  "maybe",
  "localhost",
  "localhost:6379",
  "localhost:0",
  "[::1]:7000,[::1]",
  "a,b,,c:1",
  "redis://localhost:6379/3",
  `redis://user:${SECRET}@h:1/x`,
  `rediss://:${SECRET}@[::1]:6380`,
  `http://u:${SECRET}@h`,
  `redis://u:a/b@c${SECRET}@h`,
  `redis://u:a@b/${SECRET}@h`,
  `redis://u:12#${SECRET}@h`,
  `redis://u:${SECRET}%@h`,
  `redis://u:a,${SECRET}@h`,
  `u:${SECRET}@h:1,b`,
  SECRET,
  " ,",
  "redis://",
  "refresh",
  "arn:aws:secretsmanager:eu-west-1:123456789012:secret:x",
  "\u0000",
  "{}",
  "none",
  "deleted,disabled",
];

describe("hostile configuration", () => {
  it("finds the variables", () => {
    expect(VARIABLES).toEqual(expect.arrayContaining(["REDIS_URL", "APP_SYNC_LEASE_MS", "SHARED_CACHE"]));
    expect(VARIABLES.length).toBeGreaterThan(30);
  });

  it.each(SEEDS)(
    `seed %s: ${ENVIRONMENTS} environments are taken or refused in words, without secrets`,
    (seed) => {
      const random = new Random(`configuration ${seed}`);
      const outcomes = { taken: 0, refused: 0 };
      for (let i = 0; i < ENVIRONMENTS; i += 1) {
        const names = Array.from({ length: random.integer(0, 8) }, () => random.pick(VARIABLES));
        const valueOf = (name: string) => {
          if (name.includes("PASSWORD")) return SECRET;
          const value = random.pick(VALUES);
          return value.includes(SECRET) || random.chance(0.7) ? value : spoilText(random, value);
        };
        const environment = Object.fromEntries(names.map((name) => [name, valueOf(name)]));
        for (const read of [readPipelineConfig, (one: typeof environment) => readAgentConfig(one, "apps")]) {
          try {
            read(environment);
            outcomes.taken += 1;
          } catch (error) {
            outcomes.refused += 1;
            expect(error, JSON.stringify(environment)).toBeInstanceOf(ConfigError);
            const { mistakes, message } = error as ConfigError;
            expect(mistakes.length).toBeGreaterThan(0);
            for (const mistake of mistakes) expect(mistake).toMatch(/[A-Z_]{5,}.*expected .+found/s);
            expect(message, JSON.stringify(environment)).not.toContain(SECRET);
          }
        }
      }
      expect(Math.min(outcomes.taken, outcomes.refused)).toBeGreaterThan(ENVIRONMENTS / 20);
    },
  );
});
