import type { RawItem } from "../../aws/raw-item.ts";
import { toDynamoDbJson } from "../../aws/dynamodb-json.ts";
import { SECRET_ATTRIBUTES } from "../../app/spellings.ts";
import { inLine } from "../support/app-name.ts";
import type { Terminal } from "../support/terminal.ts";
import type { AppReport } from "./app-report.ts";
import { cachedInWords } from "./cached-entries.ts";
import { overlapInWords } from "./overlap-view.ts";

/** @param secrets whether to show them. */
export function show(terminal: Terminal, report: AppReport, secrets: boolean): void {
  const { appId, item, app, problems, overlap, cache, nodes, unchecked } = report;
  const { bold, dim, red, yellow } = terminal.colors;
  const raw = item && Object.fromEntries(Object.entries(item).map((entry) => readable(entry, secrets)));
  terminal.value({
    appId,
    item: raw ?? null,
    app,
    problems,
    overlap: overlap ?? null,
    sharedCache: cache ?? null,
    nodes: nodes ?? null,
    notChecked: unchecked,
  });
  if (item) {
    terminal.print(bold(`item ${inLine(appId)}`));
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
    const rows = nodes.map((held) => [held.host, String(held.pid), cachedInWords(held, app)]);
    terminal.table(["host", "pid", "holds"], rows);
    if (nodes.length > 0) terminal.print(dim("Secrets are not compared: nodes do not tell them."));
    terminal.print();
  }
}

/** An attribute and its value: of those that may hold a secret, the size only. */
function readable([name, value]: [string, RawItem[string]], secrets: boolean): [string, unknown] {
  const json = toDynamoDbJson(value);
  if (secrets || !SECRET_ATTRIBUTES.has(name)) return [name, json];
  const [type = ""] = Object.keys(json as object);
  return [
    name,
    { [type]: `(${JSON.stringify(json).length - type.length - 7} characters, --secrets shows them)` },
  ];
}
