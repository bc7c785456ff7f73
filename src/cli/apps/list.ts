import type { Command } from "commander";
import { amount } from "../support/amount.ts";
import { collect, count } from "../support/arguments.ts";
import { createCommand, type Run, runCommand } from "../support/command.ts";
import { nobodyReads } from "../support/lost-output.ts";
import type { CommonOptions } from "../support/tools.ts";
import {
  compareBy,
  type Field,
  fieldNamed,
  FIELDS,
  jsonOf,
  type ListedApp,
  listed,
  textOf,
} from "../support/fields.ts";
import { parseConditions } from "../support/where.ts";

interface ListOptions extends CommonOptions {
  readonly where?: readonly string[];
  readonly sort?: string;
  readonly columns?: string;
  readonly limit?: number;
}

/** What people are shown unless they ask for something else. */
const COLUMNS = "id,key,enabled,maxConnections,webhooks,problems";

/** `apps list`: what nodes make of each item. */
export function createListCommand(): Command {
  return createCommand("list", "List apps as nodes read them, with what is wrong with their items.", [
    "apps list",
    "apps list --where enabled=false --where 'id~^acme'",
    "apps list --sort -maxConnections --limit 10 --columns id,maxConnections,webhooks",
    "apps list --where problems --json | jq -r .id",
  ])
    .option("--where <condition>", "show only matching apps; repeatable, all must match", collect)
    .option("--sort <field>", "sort by this field; with a leading -, largest first")
    .option("--columns <fields>", `columns, separated by commas; by default ${COLUMNS}, and all with --json`)
    .option("--limit <n>", "show at most this many apps", count)
    .action((options: ListOptions) => runCommand(options, (run) => list(run, options)));
}

async function list(run: Run, options: ListOptions): Promise<undefined> {
  const { json } = run.terminal;
  const columns = options.columns ?? (json ? undefined : COLUMNS);
  const fields = columns === undefined ? FIELDS : columns.split(",").map((name) => named(name.trim()));
  const shown = await show(run, chosen(run, options), fields);
  run.terminal.print();
  run.terminal.print(amount(shown, "app"));
}

const named = (name: string) => fieldNamed(name, "--columns");

/** Page by page as the table is read, unless they have to be sorted: then all of them are held. */
async function* chosen(run: Run, options: ListOptions): AsyncIterable<readonly ListedApp[]> {
  const { where, sort, limit = Number.POSITIVE_INFINITY } = options;
  const isMeant = parseConditions(where);
  const order = sort === undefined ? undefined : orderOf(sort);
  const all: ListedApp[] = [];
  let left = limit;
  for await (const page of (await run.tools.items()).pages()) {
    const apps = page.map(listed).filter(isMeant);
    if (order) all.push(...apps);
    else yield apps.slice(0, left);
    left -= apps.length;
    if ((!order && left <= 0) || nobodyReads().aborted) break;
  }
  if (order) yield all.sort(order).slice(0, limit);
}

function orderOf(sort: string): (a: ListedApp, b: ListedApp) => number {
  const isDescending = sort.startsWith("-");
  const field = fieldNamed(sort.replace(/^-/, ""), "--sort");
  const compare = compareBy(field);
  const byId = (a: ListedApp, b: ListedApp) => (a.id < b.id ? -1 : 1);
  return (a, b) => {
    // What is absent is last in either order.
    const isAbsent = field.read(a) === undefined || field.read(b) === undefined;
    const inOrder = compare(a, b) * (isDescending && !isAbsent ? -1 : 1);
    return inOrder === 0 ? byId(a, b) : inOrder;
  };
}

async function show(
  { terminal }: Run,
  pages: AsyncIterable<readonly ListedApp[]>,
  fields: readonly Field[],
): Promise<number> {
  const { red, yellow, dim } = terminal.colors;
  const table = terminal.growingTable(fields.map(({ name }) => name));
  const cell = (field: Field, app: ListedApp) => {
    const text = textOf(field, app);
    if (text === "-") return dim(text);
    if (field.name !== "problems") return text;
    return (app.problems.some(({ severity }) => severity === "error") ? red : yellow)(text);
  };
  let shown = 0;
  for await (const apps of pages) {
    shown += apps.length;
    for (const app of apps) {
      terminal.value(Object.fromEntries(fields.map((field) => [field.name, jsonOf(field, app)])));
      await terminal.drained();
    }
    if (!terminal.json) table.add(apps.map((app) => fields.map((field) => cell(field, app))));
    await terminal.drained();
  }
  return shown;
}
