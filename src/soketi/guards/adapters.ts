import { ANSWER_MS, type Guards } from "./guards.ts";
import type { Fields } from "../json.ts";
import { keepNats } from "./nats.ts";
import { isAnswer, isDeliverable, isQuestion, nodeMessage } from "./node-messages.ts";
import type { Adapter, AdapterDriver, GuardedServer } from "./soketi-parts.ts";
import { reasonOf } from "../../redis/errors.ts";
import { wrap } from "../wrap.ts";

const WHERE = "drivers";

/** What may be on its way to other nodes without an answer of Redis. Characters. */
const MAX_UNSENT = 32_000_000;

/** This node alone. */
const ONE = 1;

/**
 * Keeps what comes from other nodes, and the way to them, from ending the process. While Redis is away soketi asks it at
 * each connection, subscription and call how many nodes there are; the rejection is caught by nobody, and who asked waits
 * for ever. Here there is one node then, until Redis answers again. (soketi 1.6.1, dist/adapters.)
 */
export function guardAdapters(server: GuardedServer, guards: Guards): void {
  wrap(server, "setAdapter", (setAdapter) => (adapter) => {
    if (adapter.driver) {
      keepNats(server, adapter.driver);
      guardDriver(adapter.driver, guards);
    }
    guardEnd(adapter, guards);
    return setAdapter(adapter);
  });
}

function guardDriver(driver: AdapterDriver, guards: Guards): void {
  wrap(driver, "getNumSub", (getNumSub) => () => {
    const limitMs = driver.requestsTimeout ?? ANSWER_MS;
    return guards.answer(WHERE, "could not determine the number of nodes", getNumSub, ONE, limitMs);
  });
  wrap(driver, "broadcastToChannel", (broadcast) => (channel, data) => {
    guards.run(WHERE, "could not send to other nodes", () => broadcast(channel, data));
  });
  wrap(driver, "init", (init) => async () => {
    const result = await init();
    if (driver.pubClient) guardPublisher(driver.pubClient, guards);
    for (const client of [driver.pubClient, driver.subClient])
      client?.prependListener?.("error", hideCommand);
    return result;
  });
  guardReceiving(driver, guards);
  // A user whose connection has gone without being removed: soketi would write to nothing.
  wrap(driver, "getUserSockets", (getUserSockets) => async (appId, userId) => {
    const sockets = await getUserSockets(appId, userId);
    if (!sockets.has(undefined)) return sockets;
    guards.caught(WHERE, "an event for a user whose connection has gone");
    return new Set([...sockets].filter((socket) => socket !== undefined));
  });
}

/**
 * soketi sends to its channel without looking at what becomes of it, and ioredis keeps what was not answered. A Redis
 * that is away without having said so would have all of it kept, for as long as the system takes to notice.
 */
function guardPublisher(client: NonNullable<AdapterDriver["pubClient"]>, guards: Guards): void {
  const failed = "could not send to other nodes";
  let unsent = 0;
  wrap(client, "publish", (publish) => async (channel, data) => {
    const { length } = data;
    if (unsent + length > MAX_UNSENT) {
      guards.caught(WHERE, failed, new Error("Redis does not answer, and the buffer for it is full"));
      return 0;
    }
    unsent += length;
    const sent = await guards.settle<unknown>(WHERE, failed, () => publish(channel, data), 0);
    unsent -= length;
    return sent;
  });
}

/**
 * soketi prints an error of its connections whole, and ioredis notes the command there that has failed: of one that logs in, with
 * the password. (soketi 1.6.1, dist/adapters/redis-adapter.js, `onError`.)
 */
function hideCommand(error: unknown): void {
  if (!(error instanceof Error)) return;
  const reason = reasonOf(error);
  if (error.message !== reason) error.stack = `${error.name}: ${reason}`;
  error.message = reason;
  Reflect.deleteProperty(error, "command");
  if ("lastNodeError" in error) hideCommand(error.lastNodeError);
}

function guardReceiving(driver: AdapterDriver, guards: Guards): void {
  const check = (name: "onMessage" | "onRequest" | "onResponse", isSound: (message: Fields) => boolean) => {
    wrap(driver, name, (receive) => (...args) => {
      const message = nodeMessage(args);
      if (message && isSound(message)) {
        guards.run(WHERE, "a message of another node", () => receive(...args));
      } else {
        guards.caught(WHERE, "a message of another node of a shape that soketi does not check");
      }
    });
  };
  check("onMessage", (message) => isDeliverable(message, driver.uuid));
  check("onRequest", isQuestion);
  check("onResponse", isAnswer);
}

function guardEnd(adapter: Adapter, guards: Guards): void {
  wrap(adapter, "disconnect", (disconnect) => () => guards.endOf("the adapter", disconnect));
}
