import { allChannels } from "./all-channels.ts";
import type { GuardedApp, GuardedServer, GuardedSocket, WsHandler } from "./soketi-parts.ts";
import { EARLY_MESSAGES, EarlyMessages } from "./early-messages.ts";
import type { Guards } from "./guards.ts";
import { parsed } from "../json.ts";
import { maxStructureOf, structureFaultOf } from "./json-structure.ts";
import { faultOf, type MessageFault, TOO_DEEP } from "./message-faults.ts";
import { stateOf, type SocketListener } from "./socket-state.ts";
import { wrap } from "../wrap.ts";
import { Turns } from "./turns.ts";
import { whenMade } from "./when-made.ts";

const WHERE = "messages";

/** Pusher's code for an event that is refused, and soketi's for an error of its own. */
const REFUSED = 4301;
const SERVER_ERROR = { code: 4302, message: "A server error has occurred." };

/** Early messages that are handled in one turn of the event loop: each may take soketi a tenth of a millisecond. */
const EARLY_PER_TURN = 40;

/** Whatever the limits of an app are, this much may be sent: a sign-in has no limit of its own. */
const MIN_LIMIT_BYTES = 64 * 1024;
/** A character in JSON is written with six bytes at most, and soketi's limits count what it stands for. */
const ESCAPED = 6;

/**
 * Keeps what clients send from ending the process: soketi uses fields without looking whether they are there, and so with
 * the app of a connection whose app is still looked up. Such early messages wait, in order.
 */
export class MessageGuard implements SocketListener {
  readonly #server: GuardedServer;
  readonly #guards: Guards;
  readonly #early = new EarlyMessages(EARLY_MESSAGES);
  /** For early messages: many lookups end together. */
  readonly #turns = new Turns(EARLY_PER_TURN);
  #onMessage: WsHandler["onMessage"] = () => undefined;

  constructor(server: GuardedServer, guards: Guards) {
    this.#server = server;
    this.#guards = guards;
    whenMade(server, "wsHandler", (handler) => {
      wrap(handler, "onMessage", (onMessage) => {
        this.#onMessage = onMessage;
        return (socket, message, isBinary) => this.#receive(socket, message, isBinary);
      });
      this.#guardChannels(handler);
    });
  }

  onEstablished(socket: GuardedSocket): void {
    for (let left = this.#early.count(socket); left > 0; left -= 1) void this.#handleEarly(socket);
  }

  onClosed(socket: GuardedSocket): void {
    this.#early.drop(socket);
  }

  #receive(socket: GuardedSocket, message: unknown, isBinary: boolean): void {
    const { isClosed, isEstablished } = stateOf(socket);
    if (!(message instanceof ArrayBuffer)) return;
    if (isClosed) {
      this.#guards.caught(WHERE, "a message of a client that has left");
      return;
    }
    // Not before what came earlier.
    if (isEstablished && this.#early.count(socket) === 0) {
      this.#handle(socket, message, isBinary);
      return;
    }
    if (this.#early.hold(socket, message)) {
      if (isEstablished) void this.#handleEarly(socket);
      return;
    }
    this.#refuse(socket, {
      code: REFUSED,
      message: "Too much was sent before the pusher:connection_established event.",
    });
  }

  /** One of them. */
  async #handleEarly(socket: GuardedSocket): Promise<void> {
    await this.#turns.pass();
    const message = this.#early.takeFirst(socket);
    if (message) this.#handle(socket, message, false);
  }

  #handle(socket: GuardedSocket, message: ArrayBuffer, isBinary: boolean): void {
    const limits = limitsOf(socket.app);
    const text = Buffer.from(message);
    const refused = refusalOf(text, limits);
    if (refused) {
      this.#refuse(socket, refused);
      return;
    }
    const content = parsed(text.toString());
    // As soketi: what is no JSON is no message.
    if (content === undefined) return;
    const fault = faultOf(content, limits.structure);
    if (fault) {
      this.#refuse(socket, fault);
      return;
    }
    try {
      this.#onMessage(socket, content, isBinary);
    } catch (error) {
      this.#guards.caught(WHERE, "a message", error);
      sendError(socket, SERVER_ERROR);
    }
  }

  #refuse(socket: GuardedSocket, { code, message, isSilent = false }: MessageFault): void {
    this.#guards.caught(WHERE, message);
    if (!isSilent) sendError(socket, { code, message });
  }

  /** soketi waits for them without a catch. One who has left meanwhile has not joined. */
  #guardChannels(handler: WsHandler): void {
    for (const channels of allChannels(handler)) {
      wrap(channels, "join", (join) => async (socket, channel, message) => {
        const failed = { ws: socket, success: false, type: "ServerError" };
        const refused = { ...failed, errorCode: SERVER_ERROR.code, errorMessage: SERVER_ERROR.message };
        const joined = await this.#guards.settle(
          WHERE,
          "a subscription",
          () => join(socket, channel, message),
          refused,
        );
        if (!joined.success || !stateOf(socket).isClosed) return joined;
        if (joined.channelConnections === 1) await this.#leaveToOthers(socket, channel);
        return refused;
      });
      wrap(
        channels,
        "leave",
        (leave) => (socket, channel) =>
          this.#guards.settle(WHERE, "an end of a subscription", () => leave(socket, channel), {
            left: false,
          }),
      );
    }
  }

  /**
   * One who was the first in a channel has left: those who came meanwhile were not the first, and nobody would tell of it.
   * Whether anybody counted the one who left is known to other nodes alone. Who came just after, counted 1 and told of it
   * is not told from those who did not: `channel_occupied` may then be sent once more, which is better than not at all.
   */
  async #leaveToOthers({ id, app }: GuardedSocket, channel: string): Promise<void> {
    const { adapter, webhookSender } = this.#server;
    if (!app || !adapter) return;
    const ofOthers = () => adapter.removeFromChannel(app.id, channel, id);
    const left = await this.#guards.settle(WHERE, "an end of a subscription", ofOthers, 0);
    if (left > 0) webhookSender?.sendChannelOccupied(app, channel);
  }
}

interface Limits {
  readonly bytes: number;
  /** Structural characters. */
  readonly structure: number;
}

function limitsOf(app: GuardedApp | undefined): Limits {
  const kilobytes = Math.max(
    Number(app?.maxEventPayloadInKb) || 0,
    Number(app?.maxPresenceMemberSizeInKb) || 0,
  );
  return {
    bytes: MIN_LIMIT_BYTES + ESCAPED * 1024 * kilobytes,
    structure: maxStructureOf(kilobytes),
  };
}

/** What is not even parsed: the client may have no right to send anything. */
function refusalOf(text: Buffer, { bytes, structure }: Limits): MessageFault | undefined {
  if (text.length > bytes) return { code: REFUSED, message: `The message is larger than ${bytes} bytes.` };
  const fault = structureFaultOf(text, structure);
  if (fault === "too deep") return TOO_DEEP;
  if (fault === undefined) return undefined;
  return {
    code: REFUSED,
    message: `The message has more than ${structure} brackets, braces, colons and commas outside of its strings.`,
  };
}

function sendError(socket: GuardedSocket, data: { code: number; message: string }): void {
  socket.sendJson({ event: "pusher:error", data });
}
