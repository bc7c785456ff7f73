import {
  CLOSE_CAUSES,
  type CloseCause,
  type CloseCodes,
  type CloseReason,
  DEFAULT_CLOSE_CODES,
  DEFAULT_CLOSE_ON,
} from "../agent/close-causes.ts";
import { type EnvReader, shown } from "./env.ts";

const ON = "APP_SYNC_CLOSE_ON";
const CODES = "APP_SYNC_CLOSE_CODES";

/** Those by which Pusher's clients decide whether to come back. */
const CODE = /^4[012]\d\d$/;

/** `APP_SYNC_CLOSE_ON`: which causes close open connections, separated by commas, or `none`. */
export function readCloseOn(env: EnvReader): ReadonlySet<CloseCause> {
  const value = env.text(ON);
  if (value === undefined) return DEFAULT_CLOSE_ON;
  if (value === "none") return new Set();
  const causes = value.split(",").map((cause) => cause.trim());
  const known = CLOSE_CAUSES.filter((cause) => causes.includes(cause));
  const unknown = causes.find((cause) => !known.some((one) => one === cause));
  if (unknown !== undefined) {
    const found = `${shown(unknown)} in item ${causes.indexOf(unknown) + 1}`;
    env.wrong(ON, `none, or some of ${CLOSE_CAUSES.join(",")}`, found);
  }
  return new Set(known);
}

/** `APP_SYNC_CLOSE_CODES`: what clients are told, as `reason=code` items separated by commas. */
export function readCloseCodes(env: EnvReader): CloseCodes {
  const reasons = Object.keys(DEFAULT_CLOSE_CODES) as CloseReason[];
  const codes = { ...DEFAULT_CLOSE_CODES };
  const items = env.text(CODES)?.split(",") ?? [];
  for (const [i, item] of items.entries()) {
    const [name = "", code = "", ...more] = item.split("=").map((part) => part.trim());
    const reason = reasons.find((one) => one === name);
    if (reason !== undefined && CODE.test(code) && more.length === 0) codes[reason] = Number(code);
    else {
      const expected = `items like rekeyed=4200: one of ${reasons.join(", ")}, and a code from 4000 to 4299`;
      env.wrong(CODES, expected, `${shown(item.trim())} in item ${i + 1}`);
    }
  }
  return codes;
}
