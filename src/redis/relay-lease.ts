import { type BusNames, relayNames } from "../protocol/names.ts";
import { fenced, type Move } from "./fence.ts";
import type { RedisConnection } from "./library.ts";
import { runScript, script } from "./scripts.ts";
import { withRoom } from "./with-room.ts";

/** Where each shard was left, by whoever was active last; with what stream that was. Values of a Redis hash. */
export type Positions = ReadonlyMap<string, string>;

/** Who is active, among relays that read the same stream into the same log. Rejects with RedisError. */
export interface RelayLease {
  /** The token to write with; undefined while somebody else is active. */
  acquire(): Promise<string | undefined>;
  /** False when the lease has run out, or is somebody else's: what was begun under it is refused from now on. */
  renew(token: string): Promise<boolean>;
  /** Lets the next one be active at once. Nothing when the lease is not held any more. */
  release(token: string): Promise<void>;
  positions(): Promise<Positions>;
  /** Takes positions on without a message. @throws RedisError with the code FENCED when that is not for this token to do. */
  move(token: string, moves: readonly Move[]): Promise<void>;
}

export interface RelayLeaseOptions {
  readonly connection: RedisConnection;
  readonly names: BusNames;
  /** Which relay this is; unlike every other, also after a restart. */
  readonly holder: string;
  /** How long the lease lasts without being renewed. Milliseconds. */
  readonly leaseMs: number;
}

/**
 * Takes the lease while nobody has it. KEYS: lease, terms. ARGV: holder, how long it lasts in ms. Returns the token; ''
 * while somebody has it. One without an end, as PERSIST leaves it, would keep every relay waiting when its holder is gone: it gets
 * one, which a holder that is there moves on.
 */
const ACQUIRE = script(`
-- A key of another type is nobody's lease: that has to be told, or every relay would stand by for it.
if redis.call('GET', KEYS[1]) then
  if redis.pcall('PTTL', KEYS[1]) == -1 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
  return ''
end
local token = string.format('%.0f ', redis.call('INCR', KEYS[2])) .. ARGV[1]
redis.call('SET', KEYS[1], token, 'PX', ARGV[2])
return token
`);

/** KEYS: lease. ARGV: token, how long it lasts from now on in ms. It writes: a demoted server refuses it. */
const RENEW = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
`);

/** KEYS: lease. ARGV: token. */
const RELEASE = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`);

/** KEYS: positions. Returns fields and values in turn. */
const READ = script(`return redis.call('HGETALL', KEYS[1])`);

const EMPTY = script(`return ''`);

export function createRelayLease({ connection, names, holder, leaseMs }: RelayLeaseOptions): RelayLease {
  const relay = relayNames(names);
  return {
    async acquire() {
      const keys = [relay.lease, relay.terms];
      const acquire = () => runScript(connection, ACQUIRE, keys, [holder, leaseMs], "give the lease");
      // Without a lease nobody appends, which is what else makes room.
      const token = String(await withRoom(connection, names.log, acquire));
      return token === "" ? undefined : token;
    },
    async renew(token) {
      return (await runScript(connection, RENEW, [relay.lease], [token, leaseMs], "renew the lease")) === 1;
    },
    async release(token) {
      await runScript(connection, RELEASE, [relay.lease], [token], "release the lease");
    },
    async positions() {
      const doing = "read the stream's positions";
      const flat = (await runScript(connection, READ, [relay.positions], [], doing)) as string[];
      const pairs = flat.flatMap((field, i) => (i % 2 === 0 ? [[field, flat[i + 1] ?? ""] as const] : []));
      return new Map(pairs);
    },
    async move(token, moves) {
      const call = fenced(EMPTY, [], [], { names: relay, token, moves });
      const save = () => runScript(connection, ...call, "save the stream's positions");
      // A shard stands still until its position is saved, so that it has no next message to append.
      await withRoom(connection, names.log, save);
    },
  };
}
