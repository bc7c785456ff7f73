import type { Tail } from "../agent/ports.ts";
import { RedisError } from "./errors.ts";
import type { RedisClient } from "./library.ts";
import type { Verdict } from "./majority.ts";

/**
 * Who can tell whether the server that took a write is the one primary. A server itself cannot: one that was replaced takes
 * writes until it learns of it.
 */
export interface Witnesses {
  /** What a majority says now; undefined where there is nobody to ask. Rejects with RedisError when none agrees. */
  ask(): Promise<Verdict | undefined>;
  /**
   * Whether the verdict names the server that the connection leads to.
   *
   * @param run of the server, when it has told that with its answer.
   */
  names(verdict: Verdict, run?: string): Promise<boolean>;
  /** The connection to the server of a verdict, where the caller's own leads to many. */
  owner(verdict: Verdict): RedisClient | undefined;
  /** The socket to write on: what was sent over two of them may have gone to two servers. */
  socket(verdict: Verdict | undefined): unknown;
  /** Waits until enough replicas have what was written so far. Rejects with RedisError when they do not. */
  replicated(): Promise<void>;
}

/** There is one server, or nobody who could tell. */
export const NO_WITNESSES: Witnesses = {
  ask: () => Promise.resolve(undefined),
  names: () => Promise.resolve(true),
  owner: () => undefined,
  socket: () => undefined,
  replicated: () => Promise.resolve(),
};

/** Why a write does not count: it may have gone to a server that is not the primary. The connection is to be made anew. */
export const OTHER_PRIMARY = "OTHER_PRIMARY";
/** Why a write does not count: nobody could say who is the primary. */
export const NO_MAJORITY = "NO_MAJORITY";
/** Why a write does not count: too few replicas have it. */
export const FEW_REPLICAS = "FEW_REPLICAS";

/**
 * A heartbeat that counts only if the witnesses, asked after it was sent, name the server that took it. Another epoch makes
 * another server of it, also at the same address.
 *
 * Why a lease is safe then: an append counts only in an epoch that a majority knows. One that counted before the heartbeat was
 * sent is in this epoch, and then on this server, or in a later one, which a majority would name. One that comes later has
 * the lease run out.
 *
 * @throws RedisError with one of the codes above, or what the heartbeat rejects with.
 */
export async function vouchedHeartbeat<T extends Tail>(
  send: () => Promise<T>,
  witnesses: Witnesses,
): Promise<T> {
  const sent = send().then(async (tail) => {
    await witnesses.replicated();
    return tail;
  });
  const [tail, verdict] = await Promise.all([sent, witnesses.ask()]);
  if (!verdict) return tail;
  if (!(await witnesses.names(verdict, tail.run))) throw otherPrimary("take a heartbeat", verdict);
  return { ...tail, server: tail.server === undefined ? undefined : serverInEpoch(tail.server, verdict) };
}

/** A server as heartbeats name it: made the primary anew, it is another one. @param verdict undefined where nobody votes. */
export function serverInEpoch(server: string, verdict: Pick<Verdict, "epoch"> | undefined): string {
  return verdict ? `${server}/${verdict.epoch}` : server;
}

/**
 * An append that counts only if the witnesses name the server that took it before and after, under one epoch. Otherwise it may
 * be lost, and is to be made again; twice is harmless.
 *
 * @param append on the given connection, or on the caller's own.
 * @throws RedisError with one of the codes above, or what the append rejects with.
 */
export async function vouchedAppend<T>(
  append: (owner: RedisClient | undefined) => Promise<T>,
  witnesses: Witnesses,
): Promise<T> {
  const doing = "append the messages";
  const before = await witnesses.ask();
  if (before && !(await witnesses.names(before))) throw otherPrimary(doing, before);
  const socket = witnesses.socket(before);
  const appended = await append(before && witnesses.owner(before));
  await witnesses.replicated();
  const after = await witnesses.ask();
  const isOne =
    after?.primary === before?.primary &&
    after?.epoch === before?.epoch &&
    // A first command opens the connection.
    (socket === undefined || socket === witnesses.socket(after)) &&
    (!after || (await witnesses.names(after)));
  if (!isOne) throw otherPrimary(doing, after);
  return appended;
}

function otherPrimary(doing: string, verdict: Verdict | undefined): RedisError {
  const words = verdict
    ? `${verdict.primary} is the primary now, and the write may have gone to another server`
    : "the connection broke meanwhile, and the write may have gone to another server";
  return new RedisError(doing, Object.assign(new Error(words), { code: OTHER_PRIMARY }));
}
