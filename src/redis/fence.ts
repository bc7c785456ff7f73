import type { RelayNames } from "../protocol/names.ts";
import { type Script, script } from "./scripts.ts";

/** A field of the positions that a write takes on. "" is a field that is not there. */
export interface Move {
  readonly field: string;
  /** What it must be, or the write is refused. */
  readonly from: string;
  readonly to: string;
}

/** What a relay's write is let through by, and what it takes on in the same go. */
export interface Fence {
  readonly names: RelayNames;
  /** The write is refused unless the lease says this. */
  readonly token: string;
  readonly moves: readonly Move[];
}

/** Positions outlive the stream's own day: what is older than that is of no use to anybody. Milliseconds. */
const RETENTION_MS = 48 * 3_600_000;

/**
 * Lua around another script: it runs only for whoever holds the lease, and only from the positions that it was meant for;
 * then it takes them on, all in one go. So a relay that was frozen cannot write once another has taken over, and a write
 * that is sent twice, since its answer was lost, is done once.
 *
 * KEYS: the other script's; lease, positions. ARGV: the other script's; token, how long positions are kept in ms, then field,
 * from and to of each move; how many these are, the token being the first.
 * Returns what the other script does; the same as the first time when it was done before.
 */
function around(lua: string): Script {
  return script(`
local function write(KEYS, ARGV)
${lua}
end
local lease, positions = KEYS[#KEYS - 1], KEYS[#KEYS]
local first = #ARGV - tonumber(ARGV[#ARGV])
if redis.call('GET', lease) ~= ARGV[first] then
  return redis.error_reply('FENCED another relay holds the lease, or it expired')
end
local done, moves = 0, 0
for i = first + 2, #ARGV - 1, 3 do
  local found = redis.call('HGET', positions, ARGV[i]) or ''
  moves = moves + 1
  if found == ARGV[i + 2] then done = done + 1
  elseif found ~= ARGV[i + 1] then
    return redis.error_reply('FENCED the position has changed since it was read')
  end
end
local last = redis.call('HGET', positions, 'last') or ''
if moves > 0 and done == moves then return last end
-- What is refused after the write would be refused again each time, and the write done each time. Redis 6, which cannot be asked,
-- shows its rights by writes that come to nothing; the first may take memory, so that a full server refuses it as any other.
local may, ends = redis.acl_check_cmd, ARGV[first + 1]
for _, right in ipairs({{'HSET', positions, '', ''}, {'HDEL', positions, ''}, {'PEXPIRE', positions, ends}}) do
  if not may then redis.call(unpack(right))
  elseif not may(unpack(right)) then
    return redis.error_reply('NOPERM this user may not run ' .. right[1] .. ' on the positions')
  end
end
local keys, args = {}, {}
for i = 1, #KEYS - 2 do keys[i] = KEYS[i] end
for i = 1, first - 1 do args[i] = ARGV[i] end
local answer = write(keys, args)
if type(answer) == 'table' and answer.err then return answer end
for i = first + 2, #ARGV - 1, 3 do
  if ARGV[i + 2] == '' then redis.call('HDEL', positions, ARGV[i])
  else redis.call('HSET', positions, ARGV[i], ARGV[i + 2]) end
end
if type(answer) == 'string' and answer ~= '' then redis.call('HSET', positions, 'last', answer) end
redis.call('PEXPIRE', positions, ends)
return answer
`);
}

const made = new Map<string, Script>();

/** A script, its keys and its arguments, as they are run under a fence. */
export function fenced(
  { lua, sha1 }: Script,
  keys: readonly string[],
  args: readonly (string | number)[],
  { names, token, moves }: Fence,
): [script: Script, keys: string[], args: (string | number)[]] {
  const whole = made.get(sha1) ?? around(lua);
  made.set(sha1, whole);
  const own = [token, RETENTION_MS, ...moves.flatMap(({ field, from, to }) => [field, from, to])];
  return [whole, [...keys, names.lease, names.positions], [...args, ...own, own.length]];
}
