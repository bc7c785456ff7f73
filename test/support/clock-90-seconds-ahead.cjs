/** Loaded before anything else: the wall clock of this process is 90 s ahead from its start. */
"use strict";

const now = Date.now;
Date.now = () => now() + 90_000;
