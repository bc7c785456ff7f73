import { type Fields, isMap } from "./json.ts";
import type { SoketiWebhook } from "./server.ts";

/** Options of the AWS SDK's Lambda client that make it throw, or never answer, whatever their value in an item. */
const REFUSED = [
  "apiVersion",
  "apiVersions",
  "credentialProvider",
  "signatureVersion",
  "endpointDiscoveryEnabled",
];

/** Makes a client of the SDK that soketi uses; throws on what it cannot take. */
export type MakeLambdaClient = (options: object) => unknown;

/**
 * Whether a webhook's Lambda client can be made, and called, without ending the process. soketi makes one for each call out
 * of what is in the item, with no catch around it; some values are not noticed before the SDK sends, on a later tick.
 */
export function isSafeWebhook({ lambda }: SoketiWebhook, make: MakeLambdaClient): boolean {
  const options: unknown = lambda?.client_options;
  if (options === undefined || options === null) return true;
  if (!isMap(options) || REFUSED.some((name) => name in options)) return false;
  const { httpOptions, retryDelayOptions, maxRetries } = options;
  if (
    httpOptions !== undefined &&
    !(isMap(httpOptions) && areNumbers(httpOptions, "timeout", "connectTimeout"))
  )
    return false;
  if (retryDelayOptions !== undefined && !(isMap(retryDelayOptions) && areNumbers(retryDelayOptions, "base")))
    return false;
  if (maxRetries !== undefined && typeof maxRetries !== "number") return false;
  try {
    make(options);
    return true;
  } catch {
    return false;
  }
}

function areNumbers(map: Fields, ...names: string[]): boolean {
  return names.every((name) => map[name] === undefined || typeof map[name] === "number");
}
