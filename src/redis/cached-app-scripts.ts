import { script } from "./scripts.ts";

/**
 * Writes or removes one entry of a shared app cache, unless something newer is known of that app there.
 * KEYS: entry, its fences. ARGV: app id, how (`record`, `read`), what is known; then `set` with JSON and its seconds to live
 * (0: for ever), `release`, or `remove`; last the fences' seconds to live.
 * Returns 1; 0 when it was refused; -1 when the key is of another type and so no server's.
 *
 * A fence is a field for each app that had something to do with the entry: `<region> <stream's label> <sequence number>` of
 * the newest record that was applied, and after it a mark of the newest reading of the table.
 * - `record`: what is known is such a text. It is refused when a newer one of the same region's streams was there before. A
 *   table has one stream at a time, and labels are times. Sequence numbers have up to 40 digits: no number of Lua's holds one.
 * - `read`: what is known is the fence as it was before the table was read, and a new mark. It is refused when the fence is
 *   another by now: a record, or a later reading, was quicker.
 */
export const WRITE_CACHED_APP = script(`
local entry, fences, app, how, known, doing = KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local kind = redis.call('TYPE', entry).ok
if kind ~= 'string' and kind ~= 'none' then return -1 end
local held = redis.call('HGET', fences, app) or ''
local function record(fence) return string.match(fence, '^(%S+) (%S+) (%d+)') end
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
  redis.call('HSET', fences, app, known)
elseif how == 'read' then
  if held ~= known then return 0 end
  redis.call('HSET', fences, app, (string.match(held, '^%S+ %S+ %d+') or '- - 0') .. ' ' .. ARGV[7])
end
redis.call('EXPIRE', fences, ARGV[8])
if doing == 'set' then
  if ARGV[6] == '0' then redis.call('SET', entry, ARGV[5]) else redis.call('SET', entry, ARGV[5], 'EX', ARGV[6]) end
  return 1
end
if doing == 'release' then
  local text = redis.call('GET', entry)
  local read, found = pcall(cjson.decode, text or '')
  if read and type(found) == 'table' and found.id ~= nil and tostring(found.id) ~= app then return 1 end
end
redis.call('DEL', entry)
return 1
`);

/**
 * Removes an entry of a shared app cache while it is what was read.
 * KEYS: entry. ARGV: its text.
 */
export const REMOVE_SAME = script(`
if redis.call('TYPE', KEYS[1]).ok ~= 'string' or redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`);
