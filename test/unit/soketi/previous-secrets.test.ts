import { beforeEach, describe, expect, it } from "vitest";
import { PreviousSecretUses } from "../../../src/agent/previous-secret-uses.ts";
import type { App } from "../../../src/app/app.ts";
import { appAttributes } from "../../../src/soketi/app-objects.ts";
import type { GuardedServer } from "../../../src/soketi/guards/soketi-parts.ts";
import { takePreviousSecrets } from "../../../src/soketi/previous-secrets.ts";
import type { SoketiAppObject } from "../../../src/soketi/server.ts";
import { DEFAULTS } from "../app/fixtures.ts";

const UNTIL = 2_000;

/** As soketi makes one of what the agent read. */
function appOf(changes: Partial<App>): SoketiAppObject {
  const initialApp = appAttributes({ ...DEFAULTS, ...changes });
  return { ...initialApp, initialApp } as unknown as SoketiAppObject;
}

const OLD = appOf({ secret: "old" });
const ROTATED = appOf({ secret: "new", previousSecret: { secret: "old", until: UNTIL } });

/** A signature is the secret itself. */
interface Request {
  app?: SoketiAppObject;
  readonly signature: string;
}

let now: number;
let held: { app: SoketiAppObject | null; proven: boolean } | undefined;
let found: () => Promise<SoketiAppObject | null>;
let reads: number;
let missing: string[];
let failures: unknown[];
let server: GuardedServer;

beforeEach(() => {
  now = 0;
  reads = 0;
  held = undefined;
  found = () => Promise.resolve(ROTATED);
  missing = [];
  failures = [];
  server = {} as GuardedServer;
  takePreviousSecrets({
    server,
    cache: {
      findById: () => {
        reads += 1;
        return found();
      },
      inspect: () => held && { ...held, readMsAgo: 0 },
    },
    uses: new PreviousSecretUses({ now: () => now, onUsed: () => undefined }),
    onNoHook: (name) => missing.push(name),
    onFailed: (error) => failures.push(error),
  });
});

function soketi(isValid: (request: Request) => Promise<boolean>): (request: Request) => Promise<boolean> {
  const handler = { signatureIsValid: isValid };
  Object.assign(server, { httpHandler: handler });
  return (request) => handler.signatureIsValid(request);
}

const real = ({ app, signature }: Request) => Promise.resolve(signature === app?.secret);
const takes = (app: SoketiAppObject, signature: string) => soketi(real)({ app, signature });

describe("a signature", () => {
  it("with the present secret of the app at hand costs no lookup", async () => {
    expect(await takes(ROTATED, "new")).toBe(true);
    expect(reads).toBe(0);
  });

  it("with the previous one is accepted until the end", async () => {
    expect(await takes(ROTATED, "old")).toBe(true);
    now = UNTIL * 1_000;
    expect(await takes(ROTATED, "old")).toBe(false);
  });

  it("with the new one is taken where the app at hand is still that of before", async () => {
    expect(await takes(OLD, "new")).toBe(true);
    expect(await takes(OLD, "third")).toBe(false);
  });

  it("with one that was given up is refused as soon as the agent knows, whatever app is at hand", async () => {
    expect(await takes(OLD, "old")).toBe(true);
    held = { app: appOf({ secret: "new" }), proven: true };
    found = () => Promise.resolve(held?.app ?? null);
    expect(await takes(OLD, "old")).toBe(false);
    expect(await takes(OLD, "new")).toBe(true);
  });

  it("is checked with the app at hand where the agent knows nothing for sure", async () => {
    for (const unsure of [
      { app: OLD, proven: false },
      { app: null, proven: true },
    ]) {
      held = unsure;
      expect(await takes(ROTATED, "new")).toBe(true);
    }
    expect(reads).toBe(0);
  });

  it("with the previous one is taken while the table cannot be read, from the app at hand", async () => {
    found = () => Promise.resolve(null);
    expect(await takes(ROTATED, "old")).toBe(true);
    expect(await takes(OLD, "new")).toBe(false);
  });

  it("that cannot be checked otherwise is refused, and nothing is rejected: nobody in soketi would catch it", async () => {
    const broken = new Error("broken");
    found = () => Promise.reject(broken);
    expect(await takes(OLD, "new")).toBe(false);
    found = () => Promise.resolve(ROTATED);
    const once = ({ app, signature }: Request) => {
      if (app?.secret === "old") return Promise.reject(broken);
      return Promise.resolve(signature === app?.secret);
    };
    expect(await soketi(once)({ app: ROTATED, signature: "old" })).toBe(false);
    expect(failures).toEqual([broken, broken]);
  });

  it("of a request without an app is soketi's own matter", async () => {
    expect(await soketi(() => Promise.resolve(true))({ signature: "" })).toBe(true);
  });
});

it("what soketi has no method for is told: there the previous secret is refused", () => {
  Object.assign(server, { httpHandler: {}, wsHandler: { privateChannelManager: {} } });
  expect(missing).toEqual([
    "httpHandler.signatureIsValid",
    "privateChannelManager.signatureIsValid",
    "encryptedPrivateChannelManager.signatureIsValid",
    "presenceChannelManager.signatureIsValid",
    "wsHandler.signinTokenIsValid",
  ]);
});
