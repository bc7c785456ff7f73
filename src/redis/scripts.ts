import { createHash } from "node:crypto";
import { RedisError } from "./errors.ts";
import type { RedisConnection, ScriptArgument } from "./library.ts";

/** A Lua script that Redis runs in one go, with nothing else in between. */
export interface Script {
  readonly lua: string;
  readonly sha1: string;
}

export function script(lua: string): Script {
  return { lua, sha1: createHash("sha1").update(lua).digest("hex") };
}

/**
 * The log's end, of which `XINFO STREAM` would copy the first and the last entry: beside the log is a hash with the id that
 * is next, and the length that the log has. It is believed only when the log has that length and nothing from that id on, so that
 * nothing depends on it: whoever appends without it (an older pipeline), deletes the log, or evicts or deletes the hash is found
 * out, and the log itself is asked.
 *
 * `log_end(log, next, length)` returns epoch and number of the last message (nil when there is no log), the log's length, and
 * whether the hash was right about the end.
 */
export const LOG_END = `
local function log_end(log, next, known_length)
  local length = redis.call('XLEN', log)
  local epoch, following = string.match(next or '', '^(%d+)-(%d+)$')
  if following and length > 0 and tonumber(known_length) == length then
    local newer = redis.pcall('XRANGE', log, next, '+', 'COUNT', 1)
    if not newer.err and #newer == 0 then return epoch, tonumber(following) - 1, length, true end
  end
  if length == 0 and redis.call('EXISTS', log) == 0 then return nil, 0, 0, false end
  local info = redis.call('XINFO', 'STREAM', log)
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then
      local last_epoch, seq = string.match(info[i + 1], '^(%d+)-(%d+)$')
      seq = tonumber(seq)
      return last_epoch, seq, length, last_epoch == epoch and seq + 1 == tonumber(following)
    end
  end
end
`;

/** What `HEARTBEAT` returns. */
export type HeartbeatReply = [
  last: string,
  run: string,
  replication: string,
  now: string,
  nodes: number,
  seen: number,
];

/**
 * One heartbeat of an agent: writes its registry entry and reads the log's last id and who the server is.
 * KEYS: log, its end's hash, nodes, this node's entry, nodes seen. ARGV: node id, entry (JSON), how long the node then counts as being there,
 * how long it is remembered, both in ms.
 * Returns last id ('' when there is no log), run id, replication id, the server's clock in ms, how many nodes there are, and
 * how many were there within the time that they are remembered.
 *
 * It writes on purpose: a demoted or cut-off master refuses it, so that a node on the wrong side of a split loses its
 * lease instead of renewing it. And what it writes first may take memory, on purpose: a full server, which takes no message,
 * refuses it too, or nodes would serve for good what a change that waits has made old.
 */
export const HEARTBEAT = script(`${LOG_END}
local log, nodes, entry, seen = KEYS[1], KEYS[3], KEYS[4], KEYS[5]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('SET', entry, ARGV[2], 'PX', ARGV[4])
redis.call('ZADD', nodes, string.format('%.0f', now + ARGV[3]), ARGV[1])
redis.call('ZREMRANGEBYSCORE', nodes, '-inf', string.format('(%.0f', now))
redis.call('PEXPIRE', nodes, ARGV[3])
redis.call('ZADD', seen, string.format('%.0f', now), ARGV[1])
redis.call('ZREMRANGEBYSCORE', seen, '-inf', string.format('(%.0f', now - ARGV[4]))
redis.call('PEXPIRE', seen, ARGV[4])
local known = redis.pcall('HMGET', KEYS[2], 'next', 'length')
local epoch, seq = log_end(log, known[1], known[2])
local last = epoch and epoch .. '-' .. string.format('%.0f', seq) or ''
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') or ''
local replication = string.match(redis.call('INFO', 'replication'), 'master_replid:(%w+)') or ''
return {last, run, replication, string.format('%.0f', now), redis.call('ZCARD', nodes), redis.call('ZCARD', seen)}
`);

/**
 * Adds an agent's answer to a question.
 * KEYS: the question's list. ARGV: the answer (JSON), the list's expiry in ms.
 */
export const ANSWER = script(`
redis.call('RPUSH', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
`);

/**
 * Runs a script by its hash; sends the text once when the server does not know it (a restart, a failover and
 * `SCRIPT FLUSH` all empty its cache).
 *
 * @throws RedisError in the words of Redis, without arguments. `doing` completes "Redis could not …".
 */
export async function runScript(
  connection: RedisConnection,
  { lua, sha1 }: Script,
  keys: readonly string[],
  args: readonly ScriptArgument[],
  doing: string,
): Promise<unknown> {
  const evaluate = async () => {
    try {
      return await connection.evalsha(sha1, keys.length, ...keys, ...args);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error;
      return connection.eval(lua, keys.length, ...keys, ...args);
    }
  };
  try {
    return await evaluate();
  } catch (error) {
    throw new RedisError(doing, refusedCommand(error, lua) ?? error);
  }
}

/** Of a right that is missing (until 7.2), or of a key of another type, Redis tells only the line of the script. */
function refusedCommand(error: unknown, lua: string): string | undefined {
  const words = String(error);
  const line = /@user_script: ?(\d+)/.exec(words)?.[1];
  const command = /call\('([A-Z]+)'/.exec(lua.split("\n")[Number(line) - 1] ?? "")?.[1];
  if (command === undefined) return undefined;
  if (/executing the script|ACL failure/.test(words))
    return `NOPERM this user may not run ${command}, or not on these keys`;
  return words.includes("WRONGTYPE")
    ? `WRONGTYPE something else has the name of the key that ${command} was for`
    : undefined;
}
