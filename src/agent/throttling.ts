/** By these DynamoDB says that it is asked too often; both versions of the SDK know more, for other services. */
const NAMES: ReadonlySet<unknown> = new Set([
  "ProvisionedThroughputExceededException",
  "ProvisionedThroughputExceeded",
  "ThrottlingException",
  "Throttling",
  "RequestLimitExceeded",
]);

/** Whether an error of either SDK says so: version 3 has it in the name, version 2 in the code. */
export function isThrottling(error: unknown): boolean {
  const { name, code } = (error ?? {}) as { readonly name?: unknown; readonly code?: unknown };
  return NAMES.has(name) || NAMES.has(code);
}
