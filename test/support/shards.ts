/** A shard as DescribeStream tells of it. */
export interface ShardInfo {
  readonly ShardId?: string | undefined;
  readonly ParentShardId?: string | undefined;
}

/**
 * Which shards can be read now: a child only when its parent is read to the end, or the changes of one app would come in
 * the wrong order. A parent that the stream has forgotten is not waited for.
 */
export function readableShards(
  shards: readonly ShardInfo[],
  begun: ReadonlySet<string>,
  ended: ReadonlySet<string>,
): string[] {
  const known = new Set(shards.map(({ ShardId }) => ShardId));
  return shards.flatMap(({ ShardId, ParentShardId }) => {
    if (ShardId === undefined || begun.has(ShardId)) return [];
    const free = ParentShardId === undefined || ended.has(ParentShardId) || !known.has(ParentShardId);
    return free ? [ShardId] : [];
  });
}
