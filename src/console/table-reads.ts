import { within } from "../async/within.ts";
import type { AppItems } from "../aws/app-items.ts";

/** What the console reads of the table. */
export type TableReads = Pick<AppItems, "get" | "pages">;

/** How long Redis, and one request to DynamoDB, may take. A page that waits for longer shows what is no longer true. Milliseconds. */
export const ANSWER_LIMIT_MS = 5_000;

/** Of an app that nobody has: read only to see whether the table answers. */
const PROBE_ID = "soketi-app-sync:console";

/** The same reads, each of which rejects when it takes too long. */
export function withLimit(items: TableReads, limitMs = ANSWER_LIMIT_MS): TableReads {
  const limited = <T>(work: Promise<T>) => within(limitMs, () => silent("DynamoDB", limitMs), work);
  return {
    get: (appId) => limited(items.get(appId)),
    async *pages() {
      const pages = items.pages()[Symbol.asyncIterator]();
      for (;;) {
        const next = await limited(pages.next());
        if (next.done === true) return;
        yield next.value;
      }
    },
  };
}

/** Resolves when the table has answered: one read of half a unit. */
export async function probe(items: TableReads): Promise<void> {
  await items.get(PROBE_ID);
}

/** @param who "DynamoDB", "Redis". */
export function silent(who: string, limitMs: number): Error {
  return new Error(`${who} did not answer within ${limitMs / 1_000} s`);
}
