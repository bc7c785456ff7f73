import { script } from "./scripts.ts";

/**
 * Writes or removes one entry of a shared app cache, unless something newer is known of that app there.
 * KEYS: entry, its fences. ARGV: app id, how (`record`, `read`), what is known; then `set` with JSON and its seconds to live
 * (0: for ever), `release`, or `remove`; last the fences' seconds to live.
 * Returns 1; 0 when it was refused; -1 when the key is of another type and so no server's; -2 when Redis has no room for the
 * entry, and there is none now.
 *
 * A fence is a field for each app that had something to do with the entry: `<region> <stream's label> <sequence number>` of
 * the newest record that was applied, and after it a mark of the newest reading of the table.
 * - `record`: what is known is such a text. It is refused when a newer one of the same region's streams was there before. A
 *   table has one stream at a time, and labels are times. Sequence numbers have up to 40 digits: no number of Lua's holds one.
 * - `read`: what is known is the fence as it was before the table was read, and a new mark. It is refused when the fence is
 *   another by now: a record, or a later reading, was quicker.
 *
 * A full Redis refuses what may take memory, unless the script has written before (6 and 7; Valkey). So the entry comes first:
 * a removal is never refused, and what is refused is removed, since what is there is old. Then it may have the place of what
 * was there. The fence follows, which nothing refuses by then: a fleet's worth of them would take a full Redis over its limit,
 * but who writes so many makes room, by giving half of the log up, before it publishes. A reading
 * that finds no room and no entry has changed nothing, and leaves no fence.
 * Should a server refuse the fence after all, the script fails with the entry removed or right, and the record comes again: if an
 * older one was written meanwhile, it is written over.
 */
export const WRITE_CACHED_APP = script(`
local entry, fences, app, how, known, doing = KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local kind = redis.call('TYPE', entry).ok
if kind ~= 'string' and kind ~= 'none' then return -1 end
local held = redis.pcall('HGET', fences, app) or ''
if type(held) == 'table' then
  if not string.find(held.err, 'WRONGTYPE', 1, true) then return redis.call('HGET', fences, app) end
  -- Not ours, under a name that is: each of the app's records would fail on it, and hold up all that come after.
  redis.call('DEL', fences)
  held = ''
end
local fence
local function record(text) return string.match(text, '^(%S+) (%S+) (%d+)') end
if how == 'record' then
  local region, label, number = record(known)
  local heldRegion, heldLabel, heldNumber = record(held)
  if heldRegion == region then
    if heldLabel ~= label then
      if heldLabel > label then return 0 end
    elseif #heldNumber ~= #number then
      if #heldNumber > #number then return 0 end
    elseif heldNumber > number then
      return 0
    end
  end
  fence = known
elseif how == 'read' then
  if held ~= known then return 0 end
  fence = (string.match(held, '^%S+ %S+ %d+') or '- - 0') .. ' ' .. ARGV[7]
end
local function put(call)
  if ARGV[6] == '0' then return call('SET', entry, ARGV[5]) end
  return call('SET', entry, ARGV[5], 'EX', ARGV[6])
end
local function found_no_room(reply) return reply.err and string.find(reply.err, 'OOM ', 1, true) end
local function is_of_another_app()
  local read, found = pcall(cjson.decode, redis.call('GET', entry) or '')
  return read and type(found) == 'table' and found.id ~= nil and tostring(found.id) ~= app
end
local result = 1
if doing == 'set' then
  local reply = put(redis.pcall)
  if found_no_room(reply) then
    if kind == 'none' and how == 'read' then return -2 end
    redis.call('DEL', entry)
    if kind == 'string' then reply = put(redis.pcall) end
    if found_no_room(reply) then result = -2 end
  end
  -- Once more, so that the refusal is told with its line.
  if result == 1 and reply.err then return put(redis.call) end
elseif doing == 'release' and is_of_another_app() then
  -- A write, as DEL is, which no full Redis refuses.
  redis.call('EXPIRE', fences, ARGV[8])
else
  redis.call('DEL', entry)
end
if fence then redis.call('HSET', fences, app, fence) end
redis.call('EXPIRE', fences, ARGV[8])
return result
`);

/**
 * Removes an entry of a shared app cache while it is what was read.
 * KEYS: entry. ARGV: its text.
 */
export const REMOVE_SAME = script(`
if redis.call('TYPE', KEYS[1]).ok ~= 'string' or redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`);
