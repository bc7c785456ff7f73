/** Stream records as AWS sends them: B in base64, times in seconds, sequence numbers as long decimal text. */

export type Image = Record<string, unknown>;

interface RecordOptions {
  /** Attributes that replace or join the usual ones. */
  readonly item?: Image;
  readonly sequenceNumber?: string;
  /** ApproximateCreationDateTime: seconds since 1970. */
  readonly at?: number;
}

let lastSequenceNumber = 4_421_584_500_000_000_017_450n;

/** A usable app item. */
export function image(id: string, item: Image = {}): Image {
  return { AppId: { S: id }, AppKey: { S: `${id}-key` }, AppSecret: { S: `${id}-secret` }, ...item };
}

export function insert(id: string, { item = {}, ...options }: RecordOptions = {}) {
  return record("INSERT", id, { NewImage: image(id, item) }, options);
}

export function modify(id: string, before: Image, after: Image, options: RecordOptions = {}) {
  return record("MODIFY", id, { OldImage: image(id, before), NewImage: image(id, after) }, options);
}

export function remove(id: string, { item = {}, ...options }: RecordOptions = {}) {
  return record("REMOVE", id, { OldImage: image(id, item) }, options);
}

function record(eventName: string, id: string, images: object, options: RecordOptions) {
  lastSequenceNumber += 1n;
  return {
    eventID: `event-${lastSequenceNumber}`,
    eventName,
    eventVersion: "1.1",
    eventSource: "aws:dynamodb",
    awsRegion: "eu-west-1",
    eventSourceARN: "arn:aws:dynamodb:eu-west-1:123456789012:table/apps/stream/2026-01-01T00:00:00.000",
    dynamodb: {
      ApproximateCreationDateTime: options.at ?? 1_700_000_000,
      Keys: { AppId: { S: id } },
      ...images,
      SequenceNumber: options.sequenceNumber ?? String(lastSequenceNumber),
      SizeBytes: 100,
      StreamViewType: "NEW_AND_OLD_IMAGES",
    },
  };
}
