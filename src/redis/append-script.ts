import { LOG_END, script } from "./scripts.ts";

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
 * What somebody has added and deleted is seen in neither length nor entries, but takes its id away all the same: the hash is not
 * believed any more from the next call on.
 *
 * Bytes: the hash has how many were appended since `from`, the entry before the first that is kept, and `marks`, the count at
 * some entries, a sixteenth of the limit apart. With each mark `from` moves on to the first one that leaves little enough.
 * Trimming is approximate (`~`): it keeps at least as many messages as it is told, and costs next to nothing.
 */
export const APPEND = script(`${LOG_END}
local log, hint = KEYS[1], KEYS[2]
local channel, keep, limit = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local asked = redis.acl_check_cmd
if asked then
  local refused = not asked('PUBLISH', channel, '') and "PUBLISH on the log's channel"
    or not asked('XADD', log, '*', 'm', '') and 'XADD on the log'
    or not asked('HSET', hint, 'next', '') and "HSET on the hash with the log's end"
  if refused then return redis.error_reply('NOPERM this user may not run ' .. refused) end
end
local known = redis.pcall('HMGET', hint, 'next', 'length', 'bytes', 'mark', 'from', 'marks')
if known.err then
  -- Something else has the hash's name. Nothing depends on the hash, but everything would on that.
  if not string.find(known.err, 'WRONGTYPE', 1, true) then return redis.call('HMGET', hint, 'next') end
  redis.call('DEL', hint)
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
-- No reader takes another id, nor is a larger number exact here.
if tonumber(epoch) > 9007199254740991 or seq + (#ARGV - 3) / 2 > 9007199254740991 then
  return redis.error_reply("ERR the log's last id is not one that messages have, so that none can follow: somebody else has written to it. Delete it")
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
local function add(call, json)
  return call('XADD', log, 'MAXLEN', '~', math.max(1, math.min(keep, seq - from)), id_of(seq), 'm', json)
end
for i = 4, #ARGV, 2 do
  bytes = bytes + #ARGV[i] + ${ENTRY_OVERHEAD}
  seq = seq + 1
  if bytes - mark > limit / 16 then
    marks = (marks or known[6] or '') .. string.format(' %.0f:%.0f', seq, bytes)
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
  local added = add(redis.pcall, ARGV[i])
  if added.err and seq == first + 1 and string.find(added.err, 'equal or smaller', 1, true) then
    redis.call('HSET', hint, 'next', '')
    return redis.error_reply('ERR somebody else has written to the log and deleted that: its end is looked for at the next try')
  end
  -- Once more, so that the refusal is told with its line.
  if added.err then return add(redis.call, ARGV[i]) end
  if not early then redis.call('PUBLISH', channel, live) end
end
count = 0
note(redis.call('XLEN', log), 'bytes', bytes, 'mark', mark, 'from', from)
if marks then redis.call('HSET', hint, 'marks', marks) end
return id_of(seq)
`);
