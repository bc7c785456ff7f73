import type { Command } from "commander";
import type { RawItem } from "../../aws/raw-item.ts";
import { appId } from "../support/arguments.ts";
import { createCommand, type Run, runCommand } from "../support/command.ts";
import { EXIT, type ExitCode } from "../support/exit-codes.ts";
import { explain } from "../support/explain.ts";
import type { CommonOptions, Tools } from "../support/tools.ts";
import { type AppReport, reportOf, wrongIn } from "./app-report.ts";
import { show } from "./show.ts";

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

async function get(run: Run, name: string, secrets: boolean): Promise<ExitCode> {
  const { tools, terminal } = run;
  const { found, uncheckedKey } = await find(tools, name);
  const apps: AppReport[] = [];
  for (const { appId, item } of found.length > 0 ? found : [{ appId: name, item: undefined }]) {
    const others = found.filter((one) => one.appId !== appId).map((one) => one.appId);
    const report = await reportOf(tools, appId, item, others);
    apps.push({ ...report, unchecked: [...uncheckedKey, ...report.unchecked] });
  }
  for (const app of apps) show(terminal, app, secrets);
  const wrong = apps.flatMap(wrongIn);
  for (const what of wrong) terminal.note(what);
  const unchecked = [...new Set(apps.flatMap((app) => app.unchecked))];
  for (const what of unchecked) terminal.note(`not checked: ${what}`);
  if (apps.every(({ item }) => !item)) {
    terminal.print(terminal.colors.red(`the table has no app with the id or key ${name}`));
    return EXIT.unwell;
  }
  const hasErrors = apps.some(({ problems }) => problems.some(({ severity }) => severity === "error"));
  if (hasErrors || wrong.length > 0) return EXIT.unwell;
  return unchecked.length > 0 ? EXIT.unseen : EXIT.ok;
}

interface Found {
  readonly found: readonly { readonly appId: string; readonly item: RawItem }[];
  /** Why it is not known which apps have the name as their key; none where that was looked up. */
  readonly uncheckedKey: readonly string[];
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
    return {
      found: own,
      uncheckedKey: [`apps with the key ${name}: ${explain(byKey.reason, tools.config)}`],
    };
  }
  const ids = [...new Set(byKey.value)].filter((appId) => appId !== name);
  const others = await Promise.all(ids.map(async (appId) => ({ appId, item: await items.get(appId) })));
  return {
    found: [...own, ...others.flatMap(({ appId, item }) => (item ? [{ appId, item }] : []))],
    uncheckedKey: [],
  };
}
