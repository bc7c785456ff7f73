import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** Secrets Manager and SSM, as far as two operations of their JSON protocols go; the SDK's real clients ask it. */
export interface FakeSecrets {
  /** What every name leads to. Undefined: nothing is found. */
  secret: string | undefined;
  /** Operations and bodies, in order. */
  asked: string[];
  /** What leads the SDK here. */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

export async function startSecrets(secret: string): Promise<FakeSecrets> {
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      const operation = String(request.headers["x-amz-target"]).split(".")[1] ?? "";
      fake.asked.push(`${operation} ${body}`);
      const { secret: text } = fake;
      const answer =
        text === undefined
          ? { __type: "ResourceNotFoundException", message: "Can't find it." }
          : operation === "GetParameter"
            ? { Parameter: { Value: text } }
            : { SecretString: text };
      response.writeHead(text === undefined ? 400 : 200, { "content-type": "application/x-amz-json-1.1" });
      response.end(JSON.stringify(answer));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const fake: FakeSecrets = {
    secret,
    asked: [],
    env: { AWS_ENDPOINT_URL_SECRETS_MANAGER: url, AWS_ENDPOINT_URL_SSM: url },
    async stop() {
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return fake;
}
