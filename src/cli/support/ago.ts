import { elapsed } from "../../fleet/elapsed.ts";

/** How long ago something was, in milliseconds, as people say it. */
export function ago(ms: number): string {
  return `${elapsed(ms)} ago`;
}
