/** Thrown when an item is not as its writer thought. Nothing was written. */
export class ConflictError extends Error {
  override readonly name = "ConflictError";
  readonly code = "E_CONFLICT";
}

/** Thrown when DynamoDB leaves out items of a read again and again. */
export class ThrottledError extends Error {
  override readonly name = "ThrottledError";
  readonly code = "E_THROTTLED";
}

/** Thrown when a table's stream is needed, and switched off. */
export class NoStreamError extends Error {
  override readonly name = "NoStreamError";
  readonly code = "E_NO_STREAM";
}

/** Thrown when a table's stream does not carry what the pipeline compares: both images of each item. */
export class ViewTypeError extends Error {
  override readonly name = "ViewTypeError";
  readonly code = "E_VIEW_TYPE";
}

/** Thrown when AWS takes no credentials, or none that may do what is asked. */
export class AwsCredentialsError extends Error {
  override readonly name = "AwsCredentialsError";
  readonly code = "E_AWS_CREDENTIALS";
}

/** Thrown when nothing says in which region of AWS the table is. */
export class NoRegionError extends Error {
  override readonly name = "NoRegionError";
  readonly code = "E_NO_REGION";
}

/** Thrown when the place in a shard has to be looked up again: an iterator lasts for 15 minutes. Nothing is lost. */
export class IteratorExpiredError extends Error {
  override readonly name = "IteratorExpiredError";
  readonly code = "E_ITERATOR_EXPIRED";
}

/** Thrown when the records at a place in a stream are not there any more: it keeps them for a day. */
export class RecordsTrimmedError extends Error {
  override readonly name = "RecordsTrimmedError";
  readonly code = "E_RECORDS_TRIMMED";
}

/** Thrown when a stream, or a shard of it, is not there any more. */
export class StreamGoneError extends Error {
  override readonly name = "StreamGoneError";
  readonly code = "E_STREAM_GONE";
}

/** Thrown when a stream is read more often than AWS lets it. It can be read again after a pause. */
export class StreamThrottledError extends Error {
  override readonly name = "StreamThrottledError";
  readonly code = "E_STREAM_THROTTLED";
}

/** Thrown when DynamoDB gave no answer, or none that says more than that it failed. It can be asked again. */
export class StreamUnreachableError extends Error {
  override readonly name = "StreamUnreachableError";
  readonly code = "E_STREAM_UNREACHABLE";
}

/** Thrown when a server answers, and lacks what DynamoDB always says: it is another one. */
export class ForeignAnswerError extends Error {
  override readonly name = "ForeignAnswerError";
  readonly code = "E_FOREIGN_ANSWER";
}
