import { formatMessageId, type MessageId } from "../protocol/message-id.ts";
import type { RecentMessage } from "../protocol/node.ts";

/** How many are remembered: enough for a tool that asks once a second to show a busy table. */
const MAX_MESSAGES = 64;

/** When the last messages were acted on here, oldest first. */
export class RecentMessages {
  readonly #list: RecentMessage[] = [];

  /**
   * @param lagMs from the pipeline's invocation to the drop. Of a message that is acted on again in its turn, the first
   *   time counts: it was dropped then.
   */
  add(id: MessageId, lagMs: number): void {
    const text = formatMessageId(id);
    if (this.#list.some(([known]) => known === text)) return;
    this.#list.push([text, lagMs]);
    if (this.#list.length > MAX_MESSAGES) this.#list.shift();
  }

  list(): readonly RecentMessage[] {
    return this.#list;
  }
}
