import { PROBLEM_CODES } from "../../app/problems.ts";
import { UsageError } from "./errors.ts";
import { type Field, fieldNamed, type ListedApp, rankOf } from "./fields.ts";

/** Whether an app is meant. */
export type Condition = (app: ListedApp) => boolean;

type Operator = "=" | "!=" | "~" | "!~" | ">" | ">=" | "<" | "<=";

const EXPECTED =
  '"enabled=false", "maxConnections>100", "id~^acme", "webhooks", "!webhooks" or the like: docs/cli.md';

/** One condition for all of them: an app has to meet each. @throws UsageError for one that cannot be read. */
export function parseConditions(texts: readonly string[] = []): Condition {
  const conditions = texts.map(parseCondition);
  return (app) => conditions.every((holds) => holds(app));
}

function parseCondition(text: string): Condition {
  const found = /^(!?)([A-Za-z]+)(?:\s*(!=|!~|>=|<=|=|~|>|<)(.*))?$/s.exec(text.trim());
  const [, not = "", name = "", operator, value = ""] = found ?? [];
  if (!found || (not !== "" && operator !== undefined)) {
    throw new UsageError(`--where: expected ${EXPECTED}; found "${text.slice(0, 40)}"`);
  }
  const field = fieldNamed(name, "--where");
  if (operator === undefined) {
    return not === "" ? (app) => isThere(field, app) : (app) => !isThere(field, app);
  }
  return compare(field, operator as Operator, value.trim());
}

/** Not absent, not false, not empty. */
function isThere(field: Field, app: ListedApp): boolean {
  const value = field.read(app);
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false;
}

/** What is absent equals nothing, and is neither more nor less than anything. */
function compare(field: Field, operator: Operator, value: string): Condition {
  switch (operator) {
    case "=":
      return equals(field, value);
    case "!=": {
      const isEqual = equals(field, value);
      return (app) => !isEqual(app);
    }
    case "~":
      return matches(field, value);
    case "!~": {
      const isMatch = matches(field, value);
      return (app) => !isMatch(app);
    }
    default:
      return isBeyond(field, operator, value);
  }
}

function equals(field: Field, value: string): Condition {
  switch (field.type) {
    case "text":
      return (app) => field.read(app) === value;
    case "list":
      if (field.name === "problems") expectCode(value);
      return (app) => field.read(app).includes(value);
    case "flag": {
      if (value !== "true" && value !== "false") throw wrongValue(field, "true or false", value);
      return (app) => field.read(app) === (value === "true");
    }
    case "limit":
    case "time": {
      const wanted = numberOf(field, value);
      return (app) => rankOf(field, app) === wanted;
    }
  }
}

/** One that no item has by itself would select nothing, and look as if all were well. @throws UsageError */
function expectCode(value: string): void {
  if (Object.hasOwn(PROBLEM_CODES, value) && !value.startsWith("sockudo")) return;
  throw new UsageError(
    `--where: problems: expected a code that one item has by itself (docs/reference/items.md), found "${value.slice(0, 40)}": ` +
      '"soketi-app-sync validate" finds all others',
  );
}

function matches(field: Field, value: string): Condition {
  const pattern = patternOf(value);
  if (field.type === "text") return (app) => pattern.test(field.read(app) ?? "");
  if (field.type === "list") return (app) => field.read(app).some((text) => pattern.test(text));
  throw new UsageError(`--where: expected =, !=, >, >=, < or <= with ${field.name}, found ~`);
}

function patternOf(value: string): RegExp {
  try {
    return new RegExp(value, "u");
  } catch (error) {
    throw new UsageError(
      `--where: expected a regular expression, found "${value.slice(0, 40)}": ${(error as Error).message}`,
      { cause: error },
    );
  }
}

function isBeyond(field: Field, operator: ">" | ">=" | "<" | "<=", value: string): Condition {
  if (field.type === "text" || field.type === "flag") {
    throw new UsageError(
      `--where: expected = or != ${field.type === "text" ? "or ~ " : ""}with ${field.name}, found ${operator}`,
    );
  }
  const bound = numberOf(field, value);
  return (app) => {
    const rank = rankOf(field, app);
    if (typeof rank !== "number") return false;
    if (rank === bound) return operator.endsWith("=");
    return operator.startsWith(">") ? rank > bound : rank < bound;
  };
}

/** Of lists their length, of times seconds since 1970; "unlimited" is more than any number. */
function numberOf(field: Field, value: string): number {
  if (field.type === "time") {
    const ms = Date.parse(value);
    if (Number.isNaN(ms)) throw wrongValue(field, "a time such as 2030-01-31T12:00:00Z", value);
    return ms / 1_000;
  }
  if (field.type === "limit" && (value === "unlimited" || value === "-1")) return Number.POSITIVE_INFINITY;
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value);
  throw wrongValue(field, field.type === "limit" ? 'a number, or "unlimited"' : "a number", value);
}

function wrongValue({ name }: Field, expected: string, found: string): UsageError {
  return new UsageError(`--where: ${name}: expected ${expected}, found "${found.slice(0, 40)}"`);
}
