/** What to do about nodes that vanished, and do not come back. */
export const IF_GONE = "If gone for good: soketi-app-sync nodes --forget";

/** The same, where the nodes that have to confirm may be counted instead. */
export const IF_GONE_OR_EXPECT = `${IF_GONE}; or pass --expect with the number of nodes`;
