import { createHash, createHmac } from "node:crypto";

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

export interface PresignedRequest {
  readonly host: string;
  /** Begins with a slash, encoded. */
  readonly path: string;
  /** What is undefined is left out. */
  readonly query: Readonly<Record<string, string | undefined>>;
  readonly region: string;
  readonly service: string;
  readonly expiresSeconds: number;
  /** SHA-256 of the body in hex; S3 has another word there. */
  readonly payloadHash: string;
}

/**
 * A GET request signed in its query: AWS Signature Version 4
 * (docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html). Synchronous, which the SDK's signer is not: a
 * token is signed at the moment ioredis connects.
 *
 * @returns host, path and query, without the scheme.
 */
export function presign(request: PresignedRequest, credentials: AwsCredentials, at: Date): string {
  const { host, path, region, service } = request;
  const time = at.toISOString().replace(/[-:]|\.\d{3}/g, "");
  const date = time.slice(0, 8);
  const scope = `${date}/${region}/${service}/aws4_request`;
  const query = canonicalQuery({
    ...request.query,
    "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
    "X-Amz-Credential": `${credentials.accessKeyId}/${scope}`,
    "X-Amz-Date": time,
    "X-Amz-Expires": String(request.expiresSeconds),
    "X-Amz-Security-Token": credentials.sessionToken,
    "X-Amz-SignedHeaders": "host",
  });
  const canonical = ["GET", path, query, `host:${host}\n`, "host", request.payloadHash].join("\n");
  const toSign = ["AWS4-HMAC-SHA256", time, scope, sha256(canonical)].join("\n");
  const key = [date, region, service, "aws4_request"].reduce<string | Buffer>(
    (secret, part) => hmac(secret, part),
    `AWS4${credentials.secretAccessKey}`,
  );
  return `${host}${path}?${query}&X-Amz-Signature=${hmac(key, toSign).toString("hex")}`;
}

function canonicalQuery(query: Readonly<Record<string, string | undefined>>): string {
  return Object.entries(query)
    .flatMap(([name, value]) => (value === undefined ? [] : `${encode(name)}=${encode(value)}`))
    .sort()
    .join("&");
}

/** As RFC 3986 has it: encodeURIComponent leaves some characters that AWS encodes. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
