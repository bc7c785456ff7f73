import { type Answer, decodeAnswer, decodeNodeEntry, type NodeEntry } from "../protocol/node.ts";

/**
 * Whoever may write to Redis may have written what nodes say of themselves. What no agent writes is no answer: one node's must not
 * keep the others from being shown. Undefined for that.
 */
export function answerOf(json: string): Answer | undefined {
  const answer = decodeAnswer(json);
  return answer && isEntry(answer) && isAnswer(answer) ? named(answer) : undefined;
}

/** The same for an entry of the registry. */
export function entryOf(json: string | null | undefined): NodeEntry | undefined {
  const entry = decodeNodeEntry(json);
  return entry && isEntry(entry) ? named(entry) : undefined;
}

/** Seconds and milliseconds, counts and sizes are less; later times are no dates of JavaScript's. */
const MAX_NUMBER = 8.64e12;

type Fields = Readonly<Record<string, unknown>>;

const isNumber = (value: unknown) => typeof value === "number" && Math.abs(value) <= MAX_NUMBER;
const isText = (value: unknown) => typeof value === "string";
/** JSON has null for a number that is none. */
const orAbsent = (isOne: (value: unknown) => boolean) => (value: unknown) =>
  value === undefined || value === null || isOne(value);
const isListOf = (isOne: (value: unknown) => boolean) => (value: unknown) =>
  Array.isArray(value) && value.every(isOne);
const has = (value: unknown, fields: Readonly<Record<string, (field: unknown) => boolean>>) =>
  typeof value === "object" &&
  value !== null &&
  Object.entries(fields).every(([name, isOne]) => isOne((value as Fields)[name]));

const NUMBER = orAbsent(isNumber);
const TEXT = orAbsent(isText);

const isPair = (value: unknown) =>
  Array.isArray(value) && value.length === 2 && isText(value[0]) && NUMBER(value[1]);

function isEntry(entry: NodeEntry): boolean {
  return has(entry, {
    pid: isNumber,
    soketi: TEXT,
    cursor: TEXT,
    state: TEXT,
    leaseMsLeft: NUMBER,
    entries: NUMBER,
    lagMs: NUMBER,
    hits: NUMBER,
    misses: NUMBER,
    reads: NUMBER,
    appsInUse: NUMBER,
    inUseBoundMs: NUMBER,
    leaseMs: NUMBER,
    degradedTtlMs: NUMBER,
  });
}

function isAnswer(answer: Answer): boolean {
  return has(answer, {
    cursor: isText,
    state: isText,
    leaseMsLeft: isNumber,
    recent: isListOf(isPair),
    flushes: orAbsent(isListOf(isPair)),
    at: NUMBER,
    server: TEXT,
    holds: orAbsent((held) => has(held, { app: isMapOrNull, readMsAgo: isNumber, proven: isFlag })),
    previousSecrets: orAbsent(isListOf(isUse)),
  });
}

const isFlag = (value: unknown) => typeof value === "boolean";
const isMapOrNull = (value: unknown) => typeof value === "object" && !Array.isArray(value);
const isUse = (use: unknown) =>
  has(use, {
    appId: isText,
    until: isNumber,
    taken: isNumber,
    refused: isNumber,
    lastTakenAt: NUMBER,
    lastRefusedAt: NUMBER,
  });

/** A host's name is shown within lines. */
const MAX_HOST = 255;

function named<T extends NodeEntry>(entry: T): T {
  return { ...entry, host: entry.host.slice(0, MAX_HOST).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "\ufffd") };
}
