import { createHash, createHmac } from "node:crypto";
import { SignatureV4 } from "@smithy/signature-v4";
import { describe, expect, it } from "vitest";
import { presign, sha256 } from "../../../src/redis/presign.ts";
import { createRedisCredentials } from "../../../src/redis/credentials.ts";

function bytes(data: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof data === "string") return Buffer.from(data);
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}

/** The SDK's own signer wants a hash of this form. */
class Sha256 {
  readonly #hash;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash("sha256") : createHmac("sha256", bytes(secret));
  }
  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytes(data));
  }
  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest());
  }
  reset(): void {
    throw new Error("not used");
  }
}

describe("a presigned request", () => {
  // docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
  it("has the signature of AWS' published example", () => {
    const signed = presign(
      {
        host: "examplebucket.s3.amazonaws.com",
        path: "/test.txt",
        query: {},
        region: "us-east-1",
        service: "s3",
        expiresSeconds: 86_400,
        payloadHash: "UNSIGNED-PAYLOAD",
      },
      { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" },
      new Date("2013-05-24T00:00:00Z"),
    );
    expect(signed).toBe(
      "examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256" +
        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request" +
        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host" +
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
    );
  });

  it.each([
    [false, undefined],
    [true, "session/token+with=signs"],
  ])(
    "is a token for ElastiCache as the SDK's signer makes it: serverless %s, session token %s",
    async (serverless, sessionToken) => {
      const at = new Date("2026-03-01T12:34:56.789Z");
      const environment = {
        AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE",
        AWS_SECRET_ACCESS_KEY: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        AWS_SESSION_TOKEN: sessionToken,
      };
      const source = {
        kind: "iam",
        cacheName: "my-cache",
        serverless,
        username: "app sync",
        region: "eu-west-1",
      } as const;
      const { login } = createRedisCredentials(source, environment, () => at.getTime());
      const signer = new SignatureV4({
        service: "elasticache",
        region: "eu-west-1",
        sha256: Sha256,
        credentials: {
          accessKeyId: environment.AWS_ACCESS_KEY_ID,
          secretAccessKey: environment.AWS_SECRET_ACCESS_KEY,
          ...(sessionToken === undefined ? {} : { sessionToken }),
        },
      });
      const { query = {} } = await signer.presign(
        {
          method: "GET",
          protocol: "https:",
          hostname: "my-cache",
          path: "/",
          headers: { host: "my-cache" },
          query: {
            Action: "connect",
            User: "app sync",
            ...(serverless ? { ResourceType: "ServerlessCache" } : {}),
          },
        },
        { expiresIn: 900, signingDate: at },
      );
      expect(login?.username).toBe("app sync");
      const token = new URL(`https://${login?.password ?? ""}`);
      expect(token.host).toBe("my-cache");
      expect(Object.fromEntries(token.searchParams)).toEqual(query);
      expect(sha256("")).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    },
  );
});
