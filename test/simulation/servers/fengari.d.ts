/** The part of Fengari, a Lua in JavaScript, that is used. It has no types of its own. */
declare module "fengari" {
  interface State {
    readonly brand: unique symbol;
  }
  type Text = Uint8Array;
  export function to_luastring(text: string): Text;
  export function to_jsstring(text: Text): string;
  export const lua: {
    readonly LUA_OK: number;
    readonly LUA_REGISTRYINDEX: number;
    readonly LUA_TNIL: number;
    readonly LUA_TBOOLEAN: number;
    readonly LUA_TNUMBER: number;
    readonly LUA_TSTRING: number;
    readonly LUA_TTABLE: number;
    lua_createtable(state: State, array: number, record: number): void;
    lua_error(state: State): number;
    lua_getfield(state: State, index: number, name: Text): number;
    lua_gettop(state: State): number;
    lua_pcall(state: State, args: number, results: number, handler: number): number;
    lua_pushboolean(state: State, value: boolean): void;
    lua_pushcfunction(state: State, callback: (state: State) => number): void;
    lua_pushinteger(state: State, value: number): void;
    lua_pushnil(state: State): void;
    lua_pushstring(state: State, value: Text): void;
    lua_rawgeti(state: State, index: number, key: number): number;
    lua_rawlen(state: State, index: number): number;
    lua_rawseti(state: State, index: number, key: number): void;
    lua_setfield(state: State, index: number, name: Text): void;
    lua_setglobal(state: State, name: Text): void;
    lua_settop(state: State, index: number): void;
    lua_toboolean(state: State, index: number): boolean;
    lua_tonumber(state: State, index: number): number;
    lua_tostring(state: State, index: number): Text;
    lua_type(state: State, index: number): number;
  };
  export const lauxlib: {
    luaL_loadstring(state: State, text: Text): number;
    luaL_newstate(): State;
    luaL_ref(state: State, table: number): number;
  };
  export const lualib: { luaL_openlibs(state: State): void };
}
