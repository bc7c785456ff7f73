import { DescribeTableCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  DescribeStreamCommand,
  type DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
  type _Record as StreamRecord,
} from "@aws-sdk/client-dynamodb-streams";
import { within } from "../async/within.ts";
import { NoStreamError, ViewTypeError } from "./errors.ts";
import { toStreamError } from "./stream-errors.ts";

/** A page of a shard. */
export interface StreamPage {
  /** As the SDK gives them; may be none although others follow. */
  readonly records: readonly StreamRecord[];
  /** For the page after this one. Undefined: the shard is closed and read to its end. */
  readonly next: string | undefined;
}

/** A place in a shard: after the record with a sequence number, or before its oldest one. */
export interface ShardPlace {
  readonly arn: string;
  readonly shard: string;
  readonly after?: string | undefined;
}

/**
 * The stream of one table, for whoever reads it continuously. Every call is answered, or rejects with one of the errors of
 * errors.ts, within a few seconds; the signal ends it at once.
 */
export interface TableStream {
  /**
   * The stream that the table has now: its ARN is another one after it was switched off and on.
   *
   * @throws NoStreamError, ViewTypeError
   */
  find(signal: AbortSignal): Promise<string>;
  /** All shards that are there, in no order that means anything. */
  shards(arn: string, signal: AbortSignal): Promise<{ id: string; parent: string | undefined }[]>;
  iterator(place: ShardPlace, signal: AbortSignal): Promise<string>;
  read(iterator: string, signal: AbortSignal): Promise<StreamPage>;
}

export interface TableStreamOptions {
  readonly clients: { readonly tables: DynamoDBClient; readonly streams: DynamoDBStreamsClient };
  readonly table: string;
  /** How long one answer may take, the SDK's own tries together. Milliseconds. */
  readonly limitMs: number;
}

/** Records of a page (AWS's limit). */
const PAGE = 1_000;

const VIEW_TYPE = "NEW_AND_OLD_IMAGES";

type Ask = <T>(
  doing: string,
  signal: AbortSignal,
  send: (request: { abortSignal: AbortSignal }) => Promise<T>,
) => Promise<T>;

export function createTableStream({ clients, table, limitMs }: TableStreamOptions): TableStream {
  const { tables, streams } = clients;
  const ask = withTimeLimit(limitMs);
  return {
    async find(signal) {
      const describe = new DescribeTableCommand({ TableName: table });
      const doing = `find the stream of table ${table}`;
      const { Table } = await ask(doing, signal, (request) => tables.send(describe, request));
      const { StreamEnabled = false, StreamViewType } = Table?.StreamSpecification ?? {};
      if (!StreamEnabled || Table?.LatestStreamArn === undefined) throw noStream(table);
      if (StreamViewType !== VIEW_TYPE) throw wrongViewType(table, StreamViewType);
      return Table.LatestStreamArn;
    },

    shards: (arn, signal) => listShards(streams, ask, arn, signal),

    async iterator({ arn, shard, after }, signal) {
      const get = new GetShardIteratorCommand({
        StreamArn: arn,
        ShardId: shard,
        ShardIteratorType: after === undefined ? "TRIM_HORIZON" : "AFTER_SEQUENCE_NUMBER",
        SequenceNumber: after,
      });
      const doing = `find the place in ${shard}`;
      const { ShardIterator } = await ask(doing, signal, (request) => streams.send(get, request));
      if (ShardIterator !== undefined) return ShardIterator;
      throw toStreamError(new Error("the answer has no iterator"), doing);
    },

    async read(iterator, signal) {
      const get = new GetRecordsCommand({ ShardIterator: iterator, Limit: PAGE });
      const page = await ask("read the stream", signal, (request) => streams.send(get, request));
      return { records: page.Records ?? [], next: page.NextShardIterator };
    },
  };
}

/** One question with a limit. `doing` completes "Could not …". */
function withTimeLimit(limitMs: number): Ask {
  return async (doing, signal, send) => {
    const ending = new AbortController();
    const giveUp = (why: string) => {
      ending.abort();
      return new Error(why);
    };
    // The signal ends a request, but neither a pause of the SDK between two tries nor the search for credentials.
    let onAbort: () => void = () => undefined;
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => reject(giveUp("the relay is stopping"));
      if (signal.aborted) onAbort();
      signal.addEventListener("abort", onAbort);
    });
    try {
      const answer = Promise.race([send({ abortSignal: ending.signal }), aborted]);
      return await within(limitMs, () => giveUp(`no answer within ${limitMs / 1_000} s`), answer);
    } catch (error) {
      throw toStreamError(error, doing);
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  };
}

async function listShards(client: DynamoDBStreamsClient, ask: Ask, arn: string, signal: AbortSignal) {
  const found: { id: string; parent: string | undefined }[] = [];
  let after: string | undefined;
  do {
    const describe = new DescribeStreamCommand({ StreamArn: arn, ExclusiveStartShardId: after });
    const { StreamDescription } = await ask(`list the shards of ${arn}`, signal, (request) =>
      client.send(describe, request),
    );
    for (const { ShardId, ParentShardId } of StreamDescription?.Shards ?? [])
      if (ShardId !== undefined) found.push({ id: ShardId, parent: ParentShardId });
    after = StreamDescription?.LastEvaluatedShardId;
  } while (after !== undefined);
  return found;
}

function wrongViewType(table: string, found = "none"): ViewTypeError {
  return new ViewTypeError(
    `expected the stream of table ${table} with the view type ${VIEW_TYPE}, found ${found}: ` +
      "turn the stream off and on again with that type; items are not affected",
  );
}

function noStream(table: string): NoStreamError {
  return new NoStreamError(
    `expected table ${table} to have a stream, found none: turn it on with the view type ${VIEW_TYPE}`,
  );
}
