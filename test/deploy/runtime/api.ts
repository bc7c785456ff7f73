import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { randomUUID } from "node:crypto";

/** What a function answers. */
export type Answer =
  | { readonly kind: "response"; readonly value: unknown }
  | { readonly kind: "error"; readonly value: unknown };

interface Invocation {
  readonly id: string;
  readonly event: unknown;
  readonly deadline: number;
  readonly answered: (answer: Answer) => void;
}

/**
 * Lambda's runtime API for one execution environment: where the client asks for its next invocation and leaves its answers
 * (docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html).
 */
export class RuntimeApi {
  readonly #server: Server;
  #waiting: ServerResponse | undefined;
  #invocation: Invocation | undefined;
  #isIdle: () => void = () => undefined;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<RuntimeApi> {
    const server = createServer();
    const api = new RuntimeApi(server);
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      void api.#answer(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return api;
  }

  /** For `AWS_LAMBDA_RUNTIME_API`. */
  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Resolves when the client asks for an invocation: its start, or its former one, is over. */
  async idle(): Promise<void> {
    if (this.#waiting) return;
    await new Promise<void>((resolve) => (this.#isIdle = resolve));
  }

  /** @param limitMs the function's time-out, which the client is told; who calls has to end the function then. */
  invoke(event: unknown, limitMs: number): Promise<Answer> {
    return new Promise((answered) => {
      this.#invocation = { id: randomUUID(), event, deadline: Date.now() + limitMs, answered };
      this.#handOver();
    });
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #handOver(): void {
    if (!this.#waiting || !this.#invocation) return;
    const { id, event, deadline } = this.#invocation;
    this.#waiting.writeHead(200, {
      "Content-Type": "application/json",
      "Lambda-Runtime-Aws-Request-Id": id,
      "Lambda-Runtime-Deadline-Ms": String(deadline),
      "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-west-1:123456789012:function:proof",
      "Lambda-Runtime-Trace-Id": "Root=1-00000000-000000000000000000000000;Sampled=0",
    });
    this.#waiting.end(JSON.stringify(event));
    this.#waiting = undefined;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? "";
    if (path.endsWith("/invocation/next")) {
      this.#waiting = response;
      this.#isIdle();
      this.#handOver();
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    response.writeHead(202, { "Content-Type": "application/json" }).end('{"status":"OK"}');
    const value: unknown = text === "" ? undefined : JSON.parse(text);
    const invocation = this.#invocation;
    this.#invocation = undefined;
    invocation?.answered({ kind: path.endsWith("/response") ? "response" : "error", value });
  }
}
