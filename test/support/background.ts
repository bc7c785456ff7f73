/**
 * Imported by files of tests that only compute: they give way to those whose nodes, servers and time limits share the
 * processors with them.
 */
import { constants, setPriority } from "node:os";

setPriority(constants.priority.PRIORITY_LOW);
