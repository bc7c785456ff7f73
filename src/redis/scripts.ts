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
 * The log's end, of which `XINFO STREAM` would copy the first and the last entry: beside the log is a hash with the id that
 * is next, and the length that the log has. It is believed only when the log has that length and nothing from that id on, so that
 * nothing depends on it: whoever appends without it (an older pipeline), deletes the log, or evicts or deletes the hash is found
 * out, and the log itself is asked.
 *
 * `log_end(log, next, length)` returns epoch and number of the last message (nil when there is no log), the log's length, and
 * whether the hash was right about the end.
 */
const LOG_END = `
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

/** What an entry needs in Redis beside its JSON, about. Bytes. */
const ENTRY_OVERHEAD = 64;

/**
 * Appends messages to the log and publishes them, in order, all or none.
 * KEYS: log, its end's hash. ARGV: channel, how many messages and how many bytes of them the log keeps, then for each message
 * what goes into the log and what over the channel.
 * Returns the id of the last one.
 *
 * What is refused halfway through a script stays done up to there. So the rights are asked for before the first write, which is
 * what a full, a demoted and a forbidding server refuse. Redis 6 cannot be asked: there an id that is never taken shows the one
 * right, and the first message is published before it is in the log.
 *
 * There is no `#!lua` line on purpose: Redis 6 cannot read it, and with it Redis 7 refuses the script as a whole when memory is
 * full, instead of its first write. Nor is `allow-oom` wanted: who appends makes room first (log.ts).
 *
 * Ids are `<epoch>-<seq>` without holes. The last id comes from the stream's own record of it and not from its last
 * entry, so that trimming can never make a number be used twice. A log that is gone begins a later epoch than the one before.
 *
 * Bytes: the hash has how many were appended since `from`, the entry before the first that is kept, and `marks`, the count at
 * some entries, a sixteenth of the limit apart. With each mark `from` moves on to the first one that leaves little enough.
 * Trimming is approximate (`~`): it keeps at least as many messages as it is told, and costs next to nothing.
 */
export const APPEND = script(`${LOG_END}
local log, hint = KEYS[1], KEYS[2]
local channel, keep, limit = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local asked = redis.acl_check_cmd
if asked and not asked('PUBLISH', channel, '') then
  return redis.error_reply("NOPERM this user may not publish on the log's channel")
end
if asked and not (asked('XADD', log, '*', 'm', '') and asked('HSET', hint, 'next', '')) then
  return redis.error_reply("NOPERM this user may not write to the log, or to the hash with its end")
end
local known = redis.pcall('HMGET', hint, 'next', 'length', 'bytes', 'mark', 'from')
if known.err then
  -- Something else has the hash's name. Nothing depends on the hash, but everything would on that.
  if not string.find(known.err, 'WRONGTYPE', 1, true) then return known end
  if type(redis.pcall('DEL', hint)) == 'table' then return known end
  known = {}
end
local epoch, seq, length, right = log_end(log, known[1], known[2])
if not epoch then
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local before = tonumber(string.match(known[1] or '', '^(%d+)-') or 0)
  epoch = string.format('%.0f', math.max(now, before + 1))
end
local bytes, mark, from = tonumber(known[3]), tonumber(known[4]), tonumber(known[5])
local marks
if not (right and bytes and mark and from) then
  bytes, mark, from = 0, 0, math.max(0, seq - length)
  marks = string.format('%.0f:0', from)
end
local function id_of(n) return epoch .. '-' .. string.format('%.0f', n) end
local count = (#ARGV - 3) / 2
local function note(...)
  redis.call('HSET', hint, 'next', id_of(seq + count + 1), 'length', ...)
end
if not asked then
  note(length + count)
  local refused = redis.pcall('XADD', log, '0-0', 'm', '')
  if not string.find(refused.err, '0-0', 1, true) then return refused end
end
local first = seq
for i = 4, #ARGV, 2 do
  bytes = bytes + #ARGV[i] + ${ENTRY_OVERHEAD}
  seq = seq + 1
  if bytes - mark > limit / 16 then
    marks = (marks or redis.call('HGET', hint, 'marks') or '') .. string.format(' %.0f:%.0f', seq, bytes)
    mark = bytes
    local found
    local kept = ''
    for at, before in string.gmatch(marks, '(%d+):(%d+)') do
      if not found and bytes - tonumber(before) <= limit * 7 / 8 then from, found = tonumber(at), true end
      if found then kept = kept .. ' ' .. at .. ':' .. before end
    end
    marks = kept
  end
  local live = id_of(seq) .. ' ' .. ARGV[i + 1]
  local early = not asked and seq == first + 1
  if early then redis.call('PUBLISH', channel, live) end
  redis.call('XADD', log, 'MAXLEN', '~', math.max(1, math.min(keep, seq - from)), id_of(seq), 'm', ARGV[i])
  if not early then redis.call('PUBLISH', channel, live) end
end
count = 0
note(redis.call('XLEN', log), 'bytes', bytes, 'mark', mark, 'from', from)
if marks then redis.call('HSET', hint, 'marks', marks) end
return id_of(seq)
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
