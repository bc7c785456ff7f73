/**
 * What one would build with BentoCache: soketi's lookups through its memory layer, and a message on its bus for each change.
 * Preloaded into soketi with NODE_OPTIONS, as the agent is.
 */
const { dirname, join } = require("node:path");

if (process.argv[1]?.endsWith(join("bin", "server.js"))) {
  const dist = join(dirname(process.argv[1]), "..", "dist");
  const { Server } = require(join(dist, "server.js"));
  const { App } = require(join(dist, "app.js"));
  const opened = open();
  const setAppManager = Server.prototype.setAppManager;
  Server.prototype.setAppManager = function (manager) {
    for (const [method, prefix] of [
      ["findById", "id"],
      ["findByKey", "key"],
    ]) {
      const find = manager[method].bind(manager);
      manager[method] = async (name) => {
        const cache = await opened;
        const found = await cache.getOrSet({
          key: `${prefix}:${name}`,
          factory: async () => (await find(name))?.initialApp ?? null,
        });
        return found && new App(found, this);
      };
    }
    return setAppManager.call(this, manager);
  };
}

async function open() {
  const { openBento } = await import("./open-bento.mjs");
  const cache = openBento(process.env.BENCH_REDIS_URL);
  // It subscribes with its first use.
  await cache.set({ key: "unused", value: 1 });
  return cache;
}
