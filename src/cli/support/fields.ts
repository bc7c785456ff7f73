import { FLAGS, LIMITS } from "../../app/app.ts";
import { normalize, type Problem } from "../../app/normalize.ts";
import { type PublicApp, toPublicView } from "../../app/public-view.ts";
import type { RawItem } from "../../aws/raw-item.ts";
import { UsageError } from "./errors.ts";
import { timeOf } from "../../app/iso-time.ts";

/** An item as lists and conditions see it. No secret is in it. */
export interface ListedApp {
  readonly id: string;
  /** Absent when it cannot be read. */
  readonly key: string | undefined;
  /** Absent when no node can use the item. */
  readonly app: PublicApp | undefined;
  /** Of a rotation's overlap, over or not: seconds since 1970. */
  readonly previousSecretUntil: number | undefined;
  readonly problems: readonly Problem[];
}

export function listed(item: RawItem): ListedApp {
  const { id, key, app, problems } = normalize(item);
  return {
    id: id ?? item.AppId?.S ?? "",
    key,
    app: app && toPublicView(app),
    previousSecretUntil: app?.previousSecret?.until,
    problems,
  };
}

/** Decides how a field is compared, sorted and shown. Undefined is what is absent, of all types. */
export type Field = { readonly name: string } & (
  | { readonly type: "text"; read(app: ListedApp): string | undefined }
  | { readonly type: "flag"; read(app: ListedApp): boolean | undefined }
  /** -1: no limit. */
  | { readonly type: "limit"; read(app: ListedApp): number | undefined }
  /** Seconds since 1970. */
  | { readonly type: "time"; read(app: ListedApp): number | undefined }
  /** What conditions look for, and people are shown; `json` has all of it. */
  | { readonly type: "list"; read(app: ListedApp): readonly string[]; json(app: ListedApp): unknown }
);

/** In the order in which `--json` has them. */
export const FIELDS: readonly Field[] = [
  { name: "id", type: "text", read: ({ id }) => id },
  { name: "key", type: "text", read: ({ key }) => key },
  ...FLAGS.map(({ name }): Field => ({ name, type: "flag", read: ({ app }) => app?.[name] })),
  ...LIMITS.map(({ name }): Field => ({ name, type: "limit", read: ({ app }) => app?.limits[name] })),
  {
    name: "webhooks",
    type: "list",
    read: ({ app }) =>
      (app?.webhooks ?? []).map(({ origin, lambdaFunction }) => origin ?? lambdaFunction ?? ""),
    json: ({ app }) => app?.webhooks,
  },
  { name: "previousSecretUntil", type: "time", read: ({ previousSecretUntil }) => previousSecretUntil },
  {
    name: "problems",
    type: "list",
    read: ({ problems }) => [...new Set(problems.map(({ code }) => code))],
    json: ({ problems }) => problems.map(({ attribute, code, severity }) => ({ attribute, code, severity })),
  },
];

const BY_NAME = new Map(FIELDS.map((field) => [field.name, field]));

/** @throws UsageError for a field that there is not. */
export function fieldNamed(name: string, option: string): Field {
  const field = BY_NAME.get(name);
  if (field) return field;
  throw new UsageError(
    `${option}: expected one of ${[...BY_NAME.keys()].join(", ")}; found "${name.slice(0, 40)}"`,
  );
}

/** For scripts. Undefined is left out of the JSON. */
export function jsonOf(field: Field, app: ListedApp): unknown {
  if (field.type === "list") return field.json(app);
  const value = field.read(app);
  return field.type === "time" && value !== undefined ? timeOf(Number(value)) : value;
}

/** For people. */
export function textOf(field: Field, app: ListedApp): string {
  const value = field.read(app);
  if (value === undefined) return "-";
  if (field.type === "limit" && value === -1) return "unlimited";
  if (field.type === "time") return timeOf(Number(value));
  if (!Array.isArray(value)) return String(value).replace(/\s/g, " ");
  return value.length === 0 ? "-" : value.join(", ");
}

/** What comes first: numbers by their size, no limit above all of them; lists by their length; what is absent last. */
export function compareBy(field: Field): (a: ListedApp, b: ListedApp) => number {
  return (a, b) => {
    const [left, right] = [rankOf(field, a), rankOf(field, b)];
    if (left === right) return 0;
    if (left === undefined) return 1;
    if (right === undefined) return -1;
    return left < right ? -1 : 1;
  };
}

/** A value that `<` can compare. */
export function rankOf(field: Field, app: ListedApp): string | number | undefined {
  switch (field.type) {
    case "text":
    case "time":
      return field.read(app);
    case "flag": {
      const value = field.read(app);
      return value === undefined ? undefined : Number(value);
    }
    case "limit": {
      const value = field.read(app);
      return value === -1 ? Number.POSITIVE_INFINITY : value;
    }
    case "list":
      return field.read(app).length;
  }
}
