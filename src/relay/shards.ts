/** A shard as the stream lists it. */
export interface Shard {
  readonly id: string;
  /** The shard that it goes on from. It may be in the list no longer. */
  readonly parent?: string | undefined;
}

/** Where a shard is read from: its oldest record; after the record with a sequence number; nowhere, it is read to its end. */
export type Position = string;
export const START: Position = "start";
export const END: Position = "end";

export interface ShardPlan {
  /** To be read from now on, side by side. */
  readonly readable: readonly { readonly shard: string; readonly from: Position }[];
  /** Gone from the stream before they were read to the end: nobody knows what was in them. */
  readonly lost: readonly string[];
  /** Read to the end and gone from the stream: nothing depends on their position any more. */
  readonly forgotten: readonly string[];
}

/**
 * Which shards can be read. A child only when its parent is read to the end, or the changes of one app would come in the
 * wrong order. A parent that the stream no longer lists is waited for only while it is still being read.
 *
 * @param positions of each shard that was begun.
 * @param reading those that are being read.
 */
export function planShards(
  listed: readonly Shard[],
  positions: ReadonlyMap<string, Position>,
  reading: ReadonlySet<string>,
): ShardPlan {
  const known = new Set(listed.map(({ id }) => id));
  const isDone = (id: string | undefined) =>
    id === undefined || (!reading.has(id) && (!known.has(id) || positions.get(id) === END));
  const gone = [...positions].filter(([id]) => !known.has(id) && !reading.has(id));
  return {
    readable: listed.flatMap(({ id, parent }) => {
      const from = positions.get(id) ?? START;
      return from === END || reading.has(id) || !isDone(parent) ? [] : [{ shard: id, from }];
    }),
    lost: gone.flatMap(([id, at]) => (at === END ? [] : [id])),
    forgotten: gone.flatMap(([id, at]) => (at === END ? [id] : [])),
  };
}
