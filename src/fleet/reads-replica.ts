/** For people who look at what a replica says. */
export const READS_REPLICA =
  "this Redis is a replica: what it says may be old, and nodes do not answer over it; it is asked until the address leads to the primary";
