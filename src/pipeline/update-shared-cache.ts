import { NoRoomError } from "./errors.ts";
import type { MessageLog, PipelineReporter } from "./ports.ts";
import type { SharedCache } from "./shared-cache.ts";

export interface UpdateContext {
  readonly sharedCache: Pick<SharedCache, "isDependedOn">;
  readonly log: Pick<MessageLog, "makeRoom">;
  readonly report: Pick<PipelineReporter, "notRefreshed">;
}

/**
 * Updates the shared cache before anything is published: whoever hears of a change finds it there, and what fails here comes again
 * with its records. What a full Redis had no room for is written once more with half of the log. Should that not be enough,
 * servers that read the table do without an entry; for others it is reported.
 *
 * @param update resolves with the ids of apps that Redis had no room for.
 */
export async function updateSharedCache(
  update: () => Promise<readonly string[]>,
  { sharedCache, log, report }: UpdateContext,
): Promise<void> {
  let withoutRoom = await update();
  if (withoutRoom.length > 0 && (await log.makeRoom())) withoutRoom = await update();
  if (withoutRoom.length === 0 || !sharedCache.isDependedOn) return;
  report.notRefreshed(withoutRoom, new NoRoomError(String(withoutRoom.length)));
}
