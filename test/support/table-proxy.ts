import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";

/** DynamoDB, whose apps cannot be read while somebody says so, and whose answers may get lost. Its streams can always be read. */
export interface TableProxy {
  readonly url: string;
  isFailing: boolean;
  /** Done before each read of apps is answered. */
  beforeRead: () => Promise<unknown>;
  /** So many answers to this operation do not arrive: what it asks for is done, and the connection closes. */
  lose(operation: string, answers: number): void;
  /** Done when it is written, before the answer of each request is passed on. */
  beforeAnswer: (operation: string) => Promise<unknown>;
  stop(): Promise<void>;
}

/** What DynamoDB answers where a table's capacity is used up. */
const THROTTLED = JSON.stringify({
  __type: "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
  message: "The level of configured provisioned throughput for the table was exceeded.",
});

export async function startTableProxy(endpoint: string): Promise<TableProxy> {
  const { hostname, port } = new URL(endpoint);
  let losing = { operation: "", answers: 0 };
  const server = createServer((incoming, outgoing) => {
    const { method, url: path, headers } = incoming;
    const operation = String(headers["x-amz-target"]).split(".")[1] ?? "";
    const pass = () => {
      const onward = request({ hostname, port, method, path, headers }, (answer) => {
        if (losing.operation === operation && losing.answers > 0) {
          losing.answers -= 1;
          answer.resume().once("end", () => incoming.socket.destroy());
          return;
        }
        const goOn = () => {
          outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
          answer.pipe(outgoing);
        };
        proxy.beforeAnswer(operation).then(goOn, (error: unknown) => outgoing.destroy(error as Error));
      });
      onward.on("error", () => outgoing.destroy());
      incoming.pipe(onward);
    };
    if (operation !== "BatchGetItem") {
      pass();
      return;
    }
    const answer = () => {
      if (!proxy.isFailing) {
        pass();
        return;
      }
      incoming.resume();
      outgoing.writeHead(400, { "content-type": "application/x-amz-json-1.0" }).end(THROTTLED);
    };
    proxy.beforeRead().then(answer, (error: unknown) => outgoing.destroy(error as Error));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const proxy: TableProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    isFailing: false,
    beforeRead: () => Promise.resolve(),
    beforeAnswer: () => Promise.resolve(),
    lose(operation, answers) {
      losing = { operation, answers };
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}
