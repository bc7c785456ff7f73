import { PARTS, within } from "./within.ts";

/**
 * Does work that must not take longer than its budget, in milliseconds of the time that the process runs.
 *
 * While the process is paused, time is not charged to the table: however long that was, it ends one part of the budget,
 * and an answer that waits in the socket is read in the next.
 *
 * @param giveUp called when the budget is spent, to end what is under way. Gives what stood in the way, if that is known.
 * @throws what the work throws, or that there was no answer, and why.
 */
export async function withinBudget<T>(
  work: () => Promise<T>,
  budgetMs: number,
  giveUp: () => unknown,
): Promise<T> {
  const late = () => {
    const cause = giveUp();
    const why = cause instanceof Error ? `. The last try: ${cause.message}` : "";
    const ms = Math.round(budgetMs);
    return new Error(`expected an answer of DynamoDB within ${ms} ms, found none${why}`, { cause });
  };
  return within(budgetMs, late, work(), PARTS);
}
