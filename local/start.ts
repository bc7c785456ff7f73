/** `npm start`: the whole job on this machine, shown once; then it keeps running and follows changes. */
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createDemonstration, type Demonstration } from "./demonstration.ts";
import type { Console } from "../src/console/server.ts";
import { startLocalConsole } from "./console.ts";
import { assertFree } from "./free-port.ts";
import { type Stack, startStack } from "./stack.ts";

/** The console listens that far above the first node. */
const CONSOLE_OFFSET = 8;

const USAGE = "npm start [-- [--once] [--relay] [--port 6001]]";

async function main(): Promise<number> {
  // The AWS SDK's advice to use a newer Node is nothing that the user of a local stack can act on.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";
  const { values } = parseArgs({
    options: {
      once: { type: "boolean", default: false },
      relay: { type: "boolean", default: false },
      port: { type: "string" },
    },
  });
  const port = Number(values.port ?? 6001);
  if (!Number.isInteger(port) || port < 0 || port > 65_535 - CONSOLE_OFFSET) {
    throw new Error(
      `--port: expected a port from 0 to ${65_535 - CONSOLE_OFFSET}, found "${values.port ?? ""}". Usage: ${USAGE}`,
    );
  }
  const ports = port === 0 ? [0, 0] : [port, port + 1];
  const consolePort = port === 0 ? 0 : port + CONSOLE_OFFSET;
  for (const one of [...ports, consolePort])
    await assertFree(one, `use others with: npm start -- --port ${port + 100}`);

  const demonstration = createDemonstration(print);
  let following = false;
  const stack = await startStack({
    ports,
    relay: values.relay,
    print: print,
    onLine(part, line) {
      demonstration.onLine(part, line);
      if (following && line.includes("app-sync:")) print(`${part}: ${line.trim()}`);
    },
  });
  const interrupted = onInterrupt();
  let served: Console | undefined;
  try {
    served = await startLocalConsole(stack, consolePort);
    describe(stack);
    print(`Console:         ${served.url}`);
    const outcome = await Promise.race([run(demonstration, stack), interrupted, dies(stack)]);
    if (outcome === "interrupted" || values.once) return 0;
    following = true;
    explainOwnChange(stack);
    await Promise.race([interrupted, dies(stack)]);
    return 0;
  } finally {
    print("");
    print("Stopping ...");
    await served?.close();
    await stack.stop();
  }
}

function describe({ nodes, redisUrl, relayUrl, dynamodbEndpoint, table }: Stack): void {
  print("");
  nodes.forEach(({ url, metricsPort }, i) =>
    print(`soketi node ${i + 1}:   ${url}   metrics http://127.0.0.1:${metricsPort}/metrics`),
  );
  print(`DynamoDB Local:  ${dynamodbEndpoint}   table ${table.name}`);
  print(`Redis:           ${redisUrl.replace(/\/\/[^@/]*@/, "//…@")}`);
  if (relayUrl !== undefined) print(`Relay:           ${relayUrl}/health   ${relayUrl}/metrics`);
}

function explainOwnChange({ dynamodbEndpoint }: Stack): void {
  print("");
  print("Running. Changes are shown as they arrive. Make one yourself, in another terminal in this folder:");
  print("");
  print(`  node --import tsx local/change.ts ${dynamodbEndpoint} acme '{"Enabled":"no"}'`);
  print("");
  print("Ctrl-C ends everything.");
}

/** Time for a part's end to be told, after a request to it has failed. Milliseconds. */
const OUTPUT_FLUSH_MS = 1_000;

/** A demonstration fails because a part died, mostly: that is then the one thing to say. */
async function run(demonstration: Demonstration, stack: Stack): Promise<void> {
  try {
    await demonstration.run(stack);
  } catch (error) {
    await Promise.race([dies(stack), pause(OUTPUT_FLUSH_MS)]);
    throw error;
  }
}

async function dies(stack: Stack): Promise<never> {
  throw new Error(await stack.died);
}

function onInterrupt(): Promise<"interrupted"> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.on(signal, () => resolve("interrupted"));
    }
  });
}

function print(line: string): void {
  console.log(line);
}

// process.exit: sockets of clients that were cut short must not keep the process.
main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(`\n${error instanceof Error ? error.message : String(error)}`);
    process.exit(1);
  },
);
