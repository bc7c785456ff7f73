/**
 * Imported by files of tests that only compute: they give way to those whose nodes, servers and time limits share the
 * processors with them. Not at the lowest priority: beside another program that computes they would hardly ever run.
 */
import { constants, setPriority } from "node:os";

setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
