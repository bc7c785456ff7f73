/**
 * Loaded before the agent: SIGUSR2 puts the wall clock of this process ahead of its monotonic one, as it is after a machine
 * was suspended. An hour.
 */
"use strict";

const now = Date.now;
let ahead = 0;
Date.now = () => now() + ahead;
process.on("SIGUSR2", () => {
  ahead += 3_600_000;
  console.log("the wall clock is ahead");
});
