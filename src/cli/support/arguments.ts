import { InvalidArgumentError } from "commander";
import { isHashKey, MAX_HASH_KEY_BYTES } from "../../protocol/message.ts";

/** Nobody sees more. Milliseconds. */
const MIN_INTERVAL_MS = 100;

/** Nobody waits longer at a terminal; and Node's timers fire at once from 25 days on. Milliseconds. */
const MAX_WAIT_MS = 86_400_000;

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A time to wait for, up to a day: as `parseDuration` reads it. @throws InvalidArgumentError */
export function duration(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError("Expected a time such as 500ms, 30s, 10m, 2h or 1d.");
  if (ms > MAX_WAIT_MS) throw new InvalidArgumentError("Expected at most 1d.");
  return ms;
}

/** `500ms`, `30s`, `10m`, `2h`, `1d`; seconds without a unit. Gives milliseconds; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text.trim());
  return match ? Number(match[1]) * UNITS[(match[2] ?? "s") as keyof typeof UNITS] : undefined;
}

/** A whole number from 1 on. @throws InvalidArgumentError */
export function count(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Expected a whole number of at least 1.");
}

/** An app's id, or its key. @throws InvalidArgumentError */
export function appId(text: string): string {
  if (isHashKey(text)) return text;
  throw new InvalidArgumentError(
    `Expected 1 to ${MAX_HASH_KEY_BYTES} bytes, found ${Buffer.byteLength(text)}.`,
  );
}

/** Several, one after the other. @throws InvalidArgumentError */
export function appIds(text: string, before: readonly string[] = []): string[] {
  return [...before, appId(text)];
}

/** As `duration`, for what is done again and again. @throws InvalidArgumentError */
export function interval(text: string): number {
  const ms = duration(text);
  if (ms >= MIN_INTERVAL_MS) return ms;
  throw new InvalidArgumentError(`Expected at least ${MIN_INTERVAL_MS}ms.`);
}

/** A TCP port; 0 picks a free one. @throws InvalidArgumentError */
export function port(text: string): number {
  const number = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (number <= 65_535) return number;
  throw new InvalidArgumentError("Expected a port from 0 to 65535.");
}

/** For options that may be given more than once. */
export function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}
