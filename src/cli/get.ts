import { setTimeout as pause } from "node:timers/promises";
import type { Command } from "commander";
import { toDynamoDbJson } from "../aws/dynamodb-json.ts";
import type { RawItem } from "../aws/raw-item.ts";
import { normalize } from "../app/normalize.ts";
import type { Problem } from "../app/problems.ts";
import { type PublicApp, toPublicView } from "../app/public-view.ts";
import { SECRET_ATTRIBUTES } from "../app/spellings.ts";
import type { RegisteredNode } from "../protocol/node.ts";
import { overlapInWords, overlapOf } from "./support/overlap-view.ts";
import { type SharedCacheEntry, sharedCacheEntries } from "./support/shared-cache-entries.ts";
import { createCommand, type Run, runCommand } from "./support/command.ts";
import { EXIT, type ExitCode } from "./support/exit-codes.ts";
import { explain } from "./support/explain.ts";
import { type Held, heldBy, heldInWords, isStale } from "./support/held.ts";
import { problemsFor } from "./support/more-problems.ts";
import { appId } from "./support/arguments.ts";
import type { Terminal } from "./support/terminal.ts";
import { unanswered } from "./support/unanswered.ts";
import type { CommonOptions, Tools } from "./support/tools.ts";

interface GetOptions extends CommonOptions {
  readonly secrets?: true;
}

/** `get APP`: one app in the table, in the shared cache, and on every node. */
export function createGetCommand(): Command {
  return createCommand("get", "Show an app: its item, how nodes read it, and what each of them holds.", [
    "get acme",
    "get acme-key",
    "get acme --json | jq '.nodes'",
  ])
    .argument("<app>", "its id (AppId), or its key (AppKey)", appId)
    .option("--secrets", "show the secret, and the webhooks in full")
    .action((name: string, options: GetOptions) =>
      runCommand(options, async (run) => get(run, name, options.secrets ?? false)),
    );
}

/** One app as it is everywhere. What could not be looked at is undefined, and said in `unseen`. */
interface Shown {
  readonly appId: string;
  readonly item: RawItem | undefined;
  /** Null where the item is none that nodes can use. */
  readonly app: PublicApp | null;
  readonly problems: readonly (Omit<Problem, "code"> & { readonly code: string })[];
  readonly cache: readonly SharedCacheEntry[] | undefined;
  readonly overlap: ReturnType<typeof overlapOf>;
  readonly nodes: readonly Held[] | undefined;
  readonly unseen: readonly string[];
}

async function get(run: Run, name: string, secrets: boolean): Promise<ExitCode> {
  const { tools, terminal } = run;
  const { found, unseenKey } = await find(tools, name);
  const apps: Shown[] = [];
  for (const { appId, item } of found.length > 0 ? found : [{ appId: name, item: undefined }]) {
    const others = found.filter((one) => one.appId !== appId).map((one) => one.appId);
    const shown = await lookUntilSettled(tools, appId, item, others);
    apps.push({ ...shown, unseen: [...unseenKey, ...shown.unseen] });
  }
  for (const app of apps) show(terminal, app, secrets);
  const wrong = apps.flatMap(wrongIn);
  for (const what of wrong) terminal.note(what);
  const unseen = [...new Set(apps.flatMap((app) => app.unseen))];
  for (const what of unseen) terminal.note(`not checked: ${what}`);
  if (apps.every(({ item }) => !item)) {
    terminal.print(terminal.colors.red(`the table has no app with the id or key ${name}`));
    return EXIT.unwell;
  }
  const hasErrors = apps.some(({ problems }) => problems.some(({ severity }) => severity === "error"));
  if (hasErrors || wrong.length > 0) return EXIT.unwell;
  return unseen.length > 0 ? EXIT.unseen : EXIT.ok;
}

interface Found {
  readonly found: readonly { readonly appId: string; readonly item: RawItem }[];
  /** Why it is not known which apps have the name as their key; none where that was looked up. */
  readonly unseenKey: readonly string[];
}

/**
 * By id, and by key: more than one when a key is that of two apps, or another app's id. Without the index, or the right to use it,
 * an app is still found by its id.
 */
async function find(tools: Tools, name: string): Promise<Found> {
  const items = await tools.items();
  const [byId, byKey] = await Promise.allSettled([items.get(name), items.idsByKey(name)]);
  if (byId.status === "rejected") throw byId.reason;
  const own = byId.value ? [{ appId: name, item: byId.value }] : [];
  if (byKey.status === "rejected") {
    if (!byId.value) throw byKey.reason;
    return { found: own, unseenKey: [`apps with the key ${name}: ${explain(byKey.reason, tools.config)}`] };
  }
  const ids = [...new Set(byKey.value)].filter((appId) => appId !== name);
  const others = await Promise.all(ids.map(async (appId) => ({ appId, item: await items.get(appId) })));
  return {
    found: [...own, ...others.flatMap(({ appId, item }) => (item ? [{ appId, item }] : []))],
    unseenKey: [],
  };
}

/** What is on its way has come by then, unless the pipeline stands still. Milliseconds. */
const SETTLE_MS = 3_000;

/** Between two looks. Milliseconds. */
const LOOK_INTERVAL_MS = 300;

/** A node may be asked between a write and the news of it: only what stays another state is wrong. */
async function lookUntilSettled(...[tools, appId, item, others]: Parameters<typeof look>): Promise<Shown> {
  const until = performance.now() + SETTLE_MS;
  let shown = await look(tools, appId, item, others);
  while (wrongIn(shown).length > 0 && performance.now() < until) {
    await pause(LOOK_INTERVAL_MS);
    shown = await look(tools, appId, await (await tools.items()).get(appId), others);
  }
  return shown;
}

/** What is served, and is not what the table says. A sentence for each place. */
function wrongIn({ appId, app, nodes = [], cache = [] }: Shown): string[] {
  const advice = `soketi-app-sync doctor says why, soketi-app-sync invalidate ${appId} has it read again`;
  return [
    ...nodes
      .filter((held) => isStale(held, app))
      .map(
        ({ host, pid }) => `node ${host} ${pid} holds another state of ${appId} than the table: ${advice}`,
      ),
    ...cache
      .filter(({ isWrong }) => isWrong)
      .map(
        ({ name, is }) => `shared cache: ${name} is ${is}: soketi-app-sync sweep repairs it, or says why not`,
      ),
  ];
}

async function look(
  tools: Tools,
  appId: string,
  item: RawItem | undefined,
  others: readonly string[],
): Promise<Shown> {
  const { config } = tools;
  const normalized = normalize(item ?? {});
  const unseen: string[] = config.redis ? [] : ["nodes: no Redis is configured"];
  // Redis away is no reason to keep what the table says back.
  const orUnseen = <T>(what: string, work: Promise<T>): Promise<T | undefined> =>
    work.catch((error: unknown) => {
      unseen.push(`${what}: ${explain(error, config, tools.redisTrouble())}`);
      return undefined;
    });
  const answered = config.redis ? await orUnseen("nodes", askNodes(tools, appId, unseen)) : undefined;
  const nodes = answered && heldBy(answered);
  const overlap = overlapOf(normalized, answered, Date.now());
  const cache = config.sharedCache
    ? await orUnseen("shared cache", sharedCacheEntries(tools, appId, normalized.app))
    : undefined;
  const shared = others.map((other) => ({
    attribute: "AppKey",
    severity: "error" as const,
    code: "key-shared",
    message: `App ${other} has the same key, or one is the other's id: chance decides which one a client reaches.`,
  }));
  const more = normalized.app ? problemsFor(config)(normalized.app) : [];
  const problems = item ? [...shared, ...normalized.problems, ...more] : [];
  const app = normalized.app ? toPublicView(normalized.app) : null;
  return { appId, item, app, problems, overlap, cache, nodes, unseen };
}

/** Who has not answered is added to `unseen`. Rejects with RedisError. */
async function askNodes(tools: Tools, appId: string, unseen: string[]): Promise<RegisteredNode[]> {
  const fleet = await tools.fleet();
  const nodes = await fleet.ask({ appId });
  unseen.push(...unanswered(fleet, nodes));
  for (const { entry, answer } of nodes) {
    if (entry.soketi === undefined || !answer || answer.holds !== undefined) continue;
    unseen.push(`node ${entry.host} ${entry.pid}: it does not say what it holds`);
  }
  return nodes;
}

function show(terminal: Terminal, shownApp: Shown, secrets: boolean): void {
  const { appId, item, app, problems, overlap, cache, nodes, unseen } = shownApp;
  const { bold, red, yellow } = terminal.colors;
  const raw = item && Object.fromEntries(Object.entries(item).map((entry) => shown(entry, secrets)));
  const [sharedCache, onNodes] = [cache ?? null, nodes ?? null];
  terminal.value({
    appId,
    item: raw ?? null,
    app,
    problems,
    overlap: overlap ?? null,
    sharedCache,
    nodes: onNodes,
    notLookedAt: unseen,
  });
  if (item) {
    terminal.print(bold(`item ${appId}`));
    terminal.table(
      ["attribute", "value"],
      Object.entries(raw ?? {}).map(([attribute, value]) => [attribute, JSON.stringify(value)]),
    );
    terminal.print();
    terminal.print(bold("how every node reads it"));
    terminal.print(app ? JSON.stringify(app, null, 2) : red("nothing: the app does not exist"));
    for (const { severity, attribute, message } of problems) {
      terminal.print((severity === "error" ? red : yellow)(`${severity}: ${attribute}: ${message}`));
    }
  }
  if (overlap) {
    terminal.print();
    terminal.print(bold("previous secret"));
    for (const line of overlapInWords(overlap, Date.now())) terminal.print(line);
  }
  if (cache) {
    terminal.print();
    terminal.print(bold("shared cache"));
    terminal.table(
      ["entry", "is"],
      cache.map((entry) => [entry.name, entry.is]),
    );
  }
  if (nodes) {
    terminal.print();
    terminal.print(bold("nodes"));
    const rows = nodes.map((held) => [held.host, String(held.pid), heldInWords(held, app)]);
    terminal.table(["host", "pid", "holds"], rows);
    if (nodes.length > 0)
      terminal.print(terminal.colors.dim("Secrets are not compared: nodes do not tell them."));
    terminal.print();
  }
}

/** Attributes that may hold a secret show their size only. */
function shown([name, value]: [string, RawItem[string]], secrets: boolean): [string, unknown] {
  const json = toDynamoDbJson(value);
  if (secrets || !SECRET_ATTRIBUTES.has(name)) return [name, json];
  const [type = ""] = Object.keys(json as object);
  return [
    name,
    { [type]: `(${JSON.stringify(json).length - type.length - 7} characters, --secrets shows them)` },
  ];
}
