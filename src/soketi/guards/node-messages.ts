import { type Fields, isMap, isObject, parsed } from "../json.ts";
import { isTooDeep } from "./depth.ts";

/**
 * What another node says, whoever brings it: soketi's adapters are called with a pattern, a channel and a buffer (Redis), with
 * data, the datagram and its origin (node-discover), or with a message that has bytes (NATS). Undefined for what no node
 * can have said.
 */
export function nodeMessage(args: readonly unknown[]): Fields | undefined {
  const last = args.at(-1);
  const said = isText(last) ? last : args[0];
  const bytes = isMap(said) && said.data instanceof Uint8Array ? Buffer.from(said.data) : said;
  const content = isText(bytes) ? parsed(bytes.toString()) : bytes;
  // Of several nested thousands deep soketi's answer could not be written.
  return isMap(content) && !isTooDeep(content) ? content : undefined;
}

/** Whether soketi can hand it to its clients: what it does is in a promise that nobody catches. */
export function isDeliverable({ uuid, channel, data }: Fields, ownId: string | undefined): boolean {
  // soketi passes over those.
  if (uuid === ownId || !channel || !data) return true;
  return typeof channel === "string" && typeof data === "string" && isMap(parsed(data));
}

/** Whether soketi can answer it: the same promise, and the app's id becomes a label of its metrics. */
export function isQuestion({ requestId, appId, type, opts }: Fields): boolean {
  const isFlat =
    opts === undefined || (isMap(opts) && Object.values(opts).every((value) => !isObject(value)));
  return isName(requestId) && isName(appId) && typeof type === "number" && isFlat;
}

/** Whether soketi can look for the question that it answers. What is in it is used where its errors are caught. */
export function isAnswer({ requestId }: Fields): boolean {
  return isName(requestId);
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function isText(value: unknown): value is string | Buffer {
  return typeof value === "string" || Buffer.isBuffer(value);
}
