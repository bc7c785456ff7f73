import type { Bus } from "../agent/ports.ts";
import { type Change, decodeMessage, type Invalidation } from "../protocol/message.ts";
import { formatMessageId, type MessageId } from "../protocol/message-id.ts";

/**
 * Reads changes as they are in the log. The last message is kept: the changes of one are asked for in a row.
 *
 * @returns undefined for a change that is no longer in the log.
 */
export function createWholeChanges(
  bus: Pick<Bus, "read">,
): (id: MessageId, change: Pick<Invalidation, "appId" | "type">) => Promise<Change | undefined> {
  let latest: { readonly id: string; readonly changes: Promise<readonly Change[]> } | undefined;

  async function read(id: MessageId): Promise<readonly Change[]> {
    const [entry] = await bus.read({ ...id, seq: id.seq - 1 }, id);
    const decoded = entry && decodeMessage(entry.json);
    return decoded?.kind === "changes" ? decoded.message.changes : [];
  }

  return async (id, { appId, type }) => {
    const asked = formatMessageId(id);
    if (latest?.id !== asked) latest = { id: asked, changes: read(id) };
    const { changes } = latest;
    try {
      // Of an app that was deleted and created again there are two.
      return (await changes).find((change) => change.appId === appId && change.type === type);
    } catch (error) {
      // The next one to ask may have an answer.
      if (latest.changes === changes) latest = undefined;
      throw error;
    }
  };
}
