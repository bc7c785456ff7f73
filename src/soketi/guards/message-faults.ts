import { MIN_DEEP_LENGTH } from "./depth.ts";
import { structureFaultOf } from "./json-structure.ts";
import { type Fields, isMap, isObject, parsed } from "../json.ts";

/** What is wrong with a message, in words for the client and for the log. Undefined: soketi can take it. */
export interface MessageFault {
  readonly code: number;
  readonly message: string;
  /** Answered to nobody: soketi has never answered to it, and the client may be right to send it. */
  readonly isSilent?: boolean;
}

/** Pusher's codes from 4300 to 4399: errors after which the connection stays. */
const MALFORMED = 4300;
/** soketi's own for a sign-in that it does not take. */
const UNAUTHORIZED = 4009;

/**
 * Checks that a message has the fields that soketi uses without looking. Everything that it does look at is left to it:
 * signatures, limits, rights. (soketi 1.6.1, dist/ws-handler.js, `onMessage`, and dist/channels.)
 *
 * @param message what JSON.parse gave.
 * @param maxStructure of the JSON that a text in it may be: structural characters.
 */
export function faultOf(message: unknown, maxStructure: number): MessageFault | undefined {
  if (!isMap(message)) return UNKNOWN;
  const { event } = message;
  if (typeof event !== "string") return UNKNOWN;
  if (event === "pusher:ping") return undefined;
  if (event === "pusher:subscribe") return faultOfSubscription(message.data, maxStructure);
  if (event === "pusher:unsubscribe") return isMap(message.data) ? faultOfChannel(message.data) : NO_DATA;
  if (event === "pusher:signin") return faultOfSignIn(message.data, maxStructure);
  // soketi's own test of a client event: the word may stand anywhere.
  return event.includes("client-") ? faultOfChannel(message) : UNKNOWN;
}

/** soketi writes each of them to its log, whole: a client could fill a disk. */
const UNKNOWN: MessageFault = {
  code: MALFORMED,
  message: "The message is no event that a client can send.",
  isSilent: true,
};

export const TOO_DEEP = malformed("The message is nested too deeply.");

const NO_DATA = malformed('The message needs a "data" with a "channel".');

function malformed(message: string): MessageFault {
  return { code: MALFORMED, message };
}

function faultOfChannel({ channel }: Fields): MessageFault | undefined {
  return typeof channel === "string" ? undefined : malformed('The message needs a "channel" that is a text.');
}

function faultOfSubscription(data: unknown, maxStructure: number): MessageFault | undefined {
  if (!isMap(data)) return NO_DATA;
  const { channel, channel_data: channelData } = data;
  if (typeof channel !== "string") return faultOfChannel(data);
  if (!channel.startsWith("presence-")) return undefined;
  const member = parsedFlat(channelData, maxStructure);
  // Without a user id it is a member too, for soketi: but one that is a map cannot be a key of other members' lists.
  if (!isMap(member) || isObject(member.user_id)) {
    return malformed('A presence channel needs a "channel_data" that is JSON with a "user_id".');
  }
  return undefined;
}

function faultOfSignIn(data: unknown, maxStructure: number): MessageFault | undefined {
  if (isMap(data) && typeof data.auth === "string") {
    const user = parsedFlat(data.user_data, maxStructure);
    if (isMap(user) && !isObject(user.id)) return undefined;
  }
  return {
    code: UNAUTHORIZED,
    message: 'A sign-in needs an "auth", and a "user_data" that is JSON with an "id".',
  };
}

/** Undefined for what is no text, no JSON, nested too deeply, or made of too many values. */
function parsedFlat(text: unknown, maxStructure: number): unknown {
  if (typeof text !== "string") return undefined;
  const isLong = text.length > MIN_DEEP_LENGTH;
  return isLong && structureFaultOf(Buffer.from(text), maxStructure) ? undefined : parsed(text);
}
