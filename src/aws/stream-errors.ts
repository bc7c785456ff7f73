import { isThrottling } from "../agent/throttling.ts";
import {
  AwsCredentialsError,
  IteratorExpiredError,
  NoRegionError,
  RecordsTrimmedError,
  StreamGoneError,
  StreamThrottledError,
  StreamUnreachableError,
} from "./errors.ts";
import { regionFault } from "./region-fault.ts";

/** AWS's own names of what nobody but the owner of the credentials can put right, and what to do about each. */
const CREDENTIALS: Readonly<Record<string, string>> = {
  CredentialsProviderError:
    "found no credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine a role",
  UnrecognizedClientException: "AWS does not know these credentials: check them and the region",
  InvalidClientTokenId: "AWS does not know these credentials: check them and the region",
  InvalidSignatureException: "the secret access key is not the one of the access key: check both",
  IncompleteSignatureException: "the credentials have a wrong format: check them",
  MissingAuthenticationTokenException: "the credentials have a wrong format: check them",
  ExpiredTokenException: "the credentials have expired: sign in again, or give the machine a role",
  AccessDeniedException:
    "the credentials lack rights: they need dynamodb:DescribeTable on the table, and dynamodb:DescribeStream, " +
    "GetShardIterator and GetRecords on its stream",
};

/** An error of the SDK as one of ours. `doing` completes "Could not …". */
export function toStreamError(error: unknown, doing: string): Error {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const options = { cause: error };
  const describe = (why: string) => `Could not ${doing}: ${why}`;
  const advice = Object.hasOwn(CREDENTIALS, name) ? CREDENTIALS[name] : undefined;
  if (advice !== undefined) return new AwsCredentialsError(describe(advice), options);
  if (isThrottling(error) || name === "LimitExceededException")
    return new StreamThrottledError(describe("it is read more often than AWS allows"), options);
  // It would be waited for without an end.
  const found = regionFault(message);
  if (found !== undefined)
    return new NoRegionError(
      describe(`expected a region such as eu-central-1, found ${found}: set AWS_REGION`),
      options,
    );
  switch (name) {
    case "ExpiredIteratorException":
      return new IteratorExpiredError(describe("the iterator has expired"), options);
    case "TrimmedDataAccessException":
      return new RecordsTrimmedError(describe("the records are older than the stream keeps"), options);
    case "ResourceNotFoundException":
      return new StreamGoneError(
        describe("it does not exist: check its name, the region and the endpoint"),
        options,
      );
    default:
      return new StreamUnreachableError(describe(wordsOf(error, name, message)), options);
  }
}

function wordsOf(error: unknown, name: string, message: string): string {
  const { code } = (error ?? {}) as { code?: unknown };
  const words =
    error instanceof AggregateError && message === "" ? error.errors.map(String).join("; ") : message;
  return words === "" ? (typeof code === "string" ? code : name) : words;
}
