/** Loaded before the agent: at SIGUSR2 this process collects its garbage, and says how much memory is left in use. */
"use strict";

const { setFlagsFromString } = require("node:v8");
const { runInNewContext } = require("node:vm");

process.on("SIGUSR2", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc");
  collect();
  collect();
  const { heapUsed, external, rss } = process.memoryUsage();
  console.log(`memory ${JSON.stringify({ used: heapUsed + external, rss })}`);
});
