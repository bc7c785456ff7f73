import { lauxlib, lua, lualib, to_jsstring, to_luastring } from "fengari";

type State = Parameters<typeof lualib.luaL_openlibs>[0];

/** What a command answers: as Redis' protocol has it, before a client makes its own of it. */
export type Reply = string | number | null | StatusReply | readonly Reply[];

/** "+OK" and the like, which a script sees as a table. */
export interface StatusReply {
  readonly ok: string;
}

/** What Redis answers with a minus in front. */
export class ReplyError extends Error {
  override readonly name = "ReplyError";
}

type Call = (name: string, args: readonly string[]) => Reply;

const state = lauxlib.luaL_newstate();
lualib.luaL_openlibs(state);

/** Texts that come again and again: names of commands, of keys and fields. */
const texts = new Map<string, Uint8Array>();
const MAX_TEXTS = 2_000;
const MAX_LENGTH = 60;

/** Who carries out the commands of the script that runs; one at a time, as in Redis. */
let calls: Call = () => null;
/** A script → where its function is kept. */
const compiled = new Map<string, number>();

define();

/**
 * Runs a script of the product, as it is, in Lua 5.3. Redis has 5.1; what the scripts use is the same in both.
 *
 * @throws ReplyError when a command is refused, or the script answers with an error.
 */
export function runLua(text: string, keys: readonly string[], args: readonly string[], call: Call): Reply {
  calls = call;
  lua.lua_rawgeti(state, lua.LUA_REGISTRYINDEX, compile(text));
  pushList(state, keys);
  pushList(state, args);
  const status = lua.lua_pcall(state, 2, 1, 0);
  try {
    if (status !== lua.LUA_OK) throw errorAt(state, -1);
    return replyAt(state, -1);
  } finally {
    lua.lua_settop(state, 0);
  }
}

function compile(text: string): number {
  const known = compiled.get(text);
  if (known !== undefined) return known;
  const chunk = `local KEYS, ARGV = ...\n${text}`;
  if (lauxlib.luaL_loadstring(state, to_luastring(chunk)) !== lua.LUA_OK) throw errorAt(state, -1);
  const place = lauxlib.luaL_ref(state, lua.LUA_REGISTRYINDEX);
  compiled.set(text, place);
  return place;
}

function luaText(text: string): Uint8Array {
  const known = texts.get(text);
  if (known) return known;
  const made = to_luastring(text);
  if (text.length <= MAX_LENGTH && texts.size < MAX_TEXTS) texts.set(text, made);
  return made;
}

function define(): void {
  lua.lua_createtable(state, 0, 4);
  field("call", (inner) => command(inner, true));
  field("pcall", (inner) => command(inner, false));
  field("acl_check_cmd", (inner) => {
    lua.lua_pushboolean(inner, true);
    return 1;
  });
  field("error_reply", (inner) => {
    pushTable(inner, "err", textAt(inner, 1));
    return 1;
  });
  lua.lua_setglobal(state, luaText("redis"));
  lua.lua_createtable(state, 0, 1);
  field("decode", decode);
  lua.lua_setglobal(state, luaText("cjson"));
}

function field(name: string, callback: (inner: State) => number): void {
  lua.lua_pushcfunction(state, callback);
  lua.lua_setfield(state, -2, luaText(name));
}

function command(inner: State, throws: boolean): number {
  const [name = "", ...args] = Array.from({ length: lua.lua_gettop(inner) }, (_, i) => textAt(inner, i + 1));
  try {
    push(inner, calls(name, args));
    return 1;
  } catch (error) {
    pushTable(inner, "err", error instanceof Error ? error.message : String(error));
    return throws ? lua.lua_error(inner) : 1;
  }
}

/** Of an object's fields only texts and numbers: the scripts look at no others. */
function decode(inner: State): number {
  let found: unknown;
  try {
    found = JSON.parse(textAt(inner, 1));
  } catch {
    pushTable(inner, "err", "Expected value but found invalid token");
    return lua.lua_error(inner);
  }
  lua.lua_createtable(inner, 0, 8);
  for (const [name, value] of Object.entries(found ?? {})) {
    if (typeof value !== "string" && typeof value !== "number") continue;
    lua.lua_pushstring(inner, luaText(String(value)));
    lua.lua_setfield(inner, -2, luaText(name));
  }
  return 1;
}

function push(inner: State, reply: Reply): void {
  if (reply === null) lua.lua_pushboolean(inner, false);
  else if (typeof reply === "number") lua.lua_pushinteger(inner, reply);
  else if (typeof reply === "string") lua.lua_pushstring(inner, luaText(reply));
  else if ("ok" in reply) pushTable(inner, "ok", reply.ok);
  else {
    lua.lua_createtable(inner, reply.length, 0);
    for (const [i, one] of reply.entries()) {
      push(inner, one);
      lua.lua_rawseti(inner, -2, i + 1);
    }
  }
}

function pushList(inner: State, texts: readonly string[]): void {
  push(inner, texts);
}

function pushTable(inner: State, name: string, value: string): void {
  lua.lua_createtable(inner, 0, 1);
  lua.lua_pushstring(inner, luaText(value));
  lua.lua_setfield(inner, -2, luaText(name));
}

/** A number of Lua's goes to a command as Redis writes it: whole ones without a point. */
function textAt(inner: State, index: number): string {
  if (lua.lua_type(inner, index) === lua.LUA_TNUMBER) return String(lua.lua_tonumber(inner, index));
  return to_jsstring(lua.lua_tostring(inner, index));
}

function replyAt(inner: State, index: number): Reply {
  switch (lua.lua_type(inner, index)) {
    case lua.LUA_TSTRING:
      return to_jsstring(lua.lua_tostring(inner, index));
    case lua.LUA_TNUMBER:
      return Math.trunc(lua.lua_tonumber(inner, index));
    case lua.LUA_TBOOLEAN:
      return lua.lua_toboolean(inner, index) ? 1 : null;
    case lua.LUA_TTABLE:
      return tableAt(inner, index);
    default:
      return null;
  }
}

function tableAt(inner: State, index: number): Reply {
  const failed = lua.lua_getfield(inner, index, luaText("err")) !== lua.LUA_TNIL;
  const words = failed ? textAt(inner, -1) : "";
  lua.lua_settop(inner, -2);
  if (failed) throw new ReplyError(words);
  return Array.from({ length: lua.lua_rawlen(inner, index) }, (_, i) => {
    lua.lua_rawgeti(inner, index, i + 1);
    const one = replyAt(inner, -1);
    lua.lua_settop(inner, -2);
    return one;
  });
}

/** Of what a script threw: a command's refusal, or a mistake in the script. */
function errorAt(inner: State, index: number): ReplyError {
  if (lua.lua_type(inner, index) !== lua.LUA_TTABLE) return new ReplyError(`ERR ${textAt(inner, index)}`);
  lua.lua_getfield(inner, index, luaText("err"));
  return new ReplyError(textAt(inner, -1));
}
