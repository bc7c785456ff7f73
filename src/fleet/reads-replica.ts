/** What to say with anything that was read from a replica. */
export const READS_REPLICA =
  "this Redis is a replica: its data may be old, and nodes cannot answer over it; it is asked again until the address leads to the primary";
