import type { App } from "../../app/app.ts";
import type { Problem } from "../../app/problems.ts";
import type { RawItem } from "../../aws/raw-item.ts";
import { amount } from "../support/amount.ts";
import { inLine } from "../support/app-name.ts";
import { Findings } from "../support/findings.ts";
import { type Check, fail, ok, warning } from "./check.ts";

/** Of one item alone; what is between two is a check of its own. */
const BETWEEN_APPS = new Set(["key-shared", "id-is-key"]);

/** Whether every item is an app as it is meant, and no two are in each other's way. Rejects with what the table says. */
export async function checkItems(
  pages: AsyncIterable<readonly RawItem[]>,
  problemsOf?: (app: App) => readonly Problem[],
): Promise<Check[]> {
  const findings = new Findings(Date.now(), problemsOf);
  for await (const page of pages) for (const item of page) findings.add(item);
  const { items, apps } = findings.report();
  const all = apps.flatMap(({ appId = "(no AppId)", findings: found }) =>
    found.map((one) => ({ appId, ...one })),
  );
  const idsOf = (wanted: (finding: (typeof all)[number]) => boolean) => [
    ...new Set(all.filter(wanted).map(({ appId }) => appId)),
  ];
  const shared = idsOf(({ code }) => BETWEEN_APPS.has(code));
  const bad = idsOf(({ code, severity }) => severity === "error" && !BETWEEN_APPS.has(code));
  const odd = idsOf(({ severity }) => severity === "warning").filter((id) => !bad.includes(id));
  const list = (ids: readonly string[]) =>
    ids.slice(0, 5).map(inLine).join(", ") + (ids.length > 5 ? ", …" : "");
  const look = "List them with: soketi-app-sync validate";
  const checks = [
    ...(bad.length > 0
      ? [fail("items", `${amount(bad.length, "item")} of ${items} with errors: ${list(bad)}`, `${look}.`)]
      : []),
    ...(odd.length > 0
      ? [
          warning(
            "items",
            `${amount(odd.length, "item")} of ${items} with warnings: ${list(odd)}`,
            `${look}; --fix repairs many.`,
          ),
        ]
      : []),
  ];
  return [
    ...(checks.length > 0 ? checks : [ok("items", `${amount(items, "item")}, none with problems`)]),
    shared.length > 0
      ? fail(
          "keys",
          `${amount(shared.length, "app")} in conflict, by a shared key or an id that is another's key: ${list(shared)}`,
          "Chance decides which one a client reaches. Give each its own key: soketi-app-sync apps rotate-key",
        )
      : ok("keys", "every app has its own"),
  ];
}
