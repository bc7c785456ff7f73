import { createHash } from "node:crypto";
import { orRedisError } from "./errors.ts";
import type { RedisConnection } from "./library.ts";

/** A Lua script that Redis runs in one go, with nothing else in between. */
export interface Script {
  readonly lua: string;
  readonly sha1: string;
}

export function script(lua: string): Script {
  return { lua, sha1: createHash("sha1").update(lua).digest("hex") };
}

/**
 * Appends messages to the log and publishes them, in order, all or none.
 * KEYS: log. ARGV: channel, how many messages the log keeps, message…
 * Returns the id of the last one.
 *
 * What is refused halfway through a script stays done up to there. So the right to publish is asked for before the first
 * write, which is what a full, a demoted and a forbidding server refuse. Redis 6 knows no such question: there the entries of
 * a user that may not publish stay in the log.
 *
 * Ids are `<epoch>-<seq>` without holes. The last id comes from the stream's own record of it and not from its last
 * entry, so that trimming can never make a number be used twice. Trimming is approximate (`~`): it keeps at least
 * that many, and costs next to nothing.
 */
export const APPEND = script(`
local log, channel, keep = KEYS[1], ARGV[1], ARGV[2]
if redis.acl_check_cmd and not redis.acl_check_cmd('PUBLISH', channel, '') then
  return redis.error_reply("NOPERM this user may not publish on the log's channel")
end
local epoch, seq
if redis.call('EXISTS', log) == 1 then
  local info = redis.call('XINFO', 'STREAM', log)
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then
      epoch, seq = string.match(info[i + 1], '^(%d+)-(%d+)$')
      seq = tonumber(seq)
    end
  end
else
  local time = redis.call('TIME')
  epoch = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
  seq = 0
end
local id
for i = 3, #ARGV do
  seq = seq + 1
  id = epoch .. '-' .. string.format('%.0f', seq)
  redis.call('XADD', log, 'MAXLEN', '~', keep, id, 'm', ARGV[i])
  redis.call('PUBLISH', channel, id .. ' ' .. ARGV[i])
end
return id
`);

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
 * KEYS: log, nodes, this node's entry, nodes seen. ARGV: node id, entry (JSON), how long the node then counts as being there,
 * how long it is remembered, both in ms.
 * Returns last id ('' when there is no log), run id, replication id, the server's clock in ms, how many nodes there are, and
 * how many were there within the time that they are remembered.
 *
 * It writes on purpose: a demoted or cut-off master refuses it, so that a node on the wrong side of a split loses its
 * lease instead of renewing it.
 */
export const HEARTBEAT = script(`
local log, nodes, entry, seen = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('SET', entry, ARGV[2], 'PX', ARGV[4])
redis.call('ZADD', nodes, string.format('%.0f', now + ARGV[3]), ARGV[1])
redis.call('ZREMRANGEBYSCORE', nodes, '-inf', string.format('(%.0f', now))
redis.call('PEXPIRE', nodes, ARGV[3])
redis.call('ZADD', seen, string.format('%.0f', now), ARGV[1])
redis.call('ZREMRANGEBYSCORE', seen, '-inf', string.format('(%.0f', now - ARGV[4]))
redis.call('PEXPIRE', seen, ARGV[4])
local last = ''
if redis.call('EXISTS', log) == 1 then
  local info = redis.call('XINFO', 'STREAM', log)
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then last = info[i + 1] end
  end
end
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
  args: readonly (string | number)[],
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
  return orRedisError(doing, evaluate());
}
