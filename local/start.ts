/** `npm start`: the whole job on this machine, shown once; then it keeps running and follows changes. */
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createDemonstration, type Demonstration } from "./demonstration.ts";
import type { Console } from "../src/console/server.ts";
import { startLocalConsole } from "./console.ts";
import { assertFree } from "./free-port.ts";
import { type Stack, startStack } from "./stack.ts";

/** The console listens that far above the first node, or right above the last. */
const CONSOLE_OFFSET = 8;

/** What one machine bears: each takes 100 MB. */
const MAX_NODES = 50;

const USAGE = `npm start [-- [--once] [--relay] [--port 6001] [--nodes 2]]`;

async function main(): Promise<number> {
  // The AWS SDK's advice to use a newer Node is nothing that the user of a local stack can act on.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";
  const { once, relay, port, nodes } = readOptions();
  const ports = Array.from({ length: nodes }, (_, i) => (port === 0 ? 0 : port + i));
  const consolePort = port === 0 ? 0 : port + consoleOffset(nodes);
  for (const one of [...ports, consolePort])
    await assertFree(one, `use others with: npm start -- --port ${port + 100}`);

  const demonstration = createDemonstration(print);
  let following = false;
  const stack = await startStack({
    ports,
    relay,
    print,
    onLine(part, line) {
      demonstration.onLine(part, line);
      if (following && line.includes("app-sync:")) print(`${part}: ${line.trim()}`);
    },
    onNodeEnded: (line) => print(`${line}: "Start it again" on the console does that.`),
  });
  const interrupted = onInterrupt();
  let served: Console | undefined;
  try {
    served = await startLocalConsole(stack, consolePort);
    describe(stack);
    if (!once) print(`Console:         ${served.url}`);
    const outcome = await Promise.race([
      run(demonstration, stack),
      interrupted,
      fails(stack.died),
      fails(stack.nodeDied),
    ]);
    if (outcome === "interrupted" || once) return 0;
    following = true;
    explainOwnChange(stack);
    await Promise.race([interrupted, fails(stack.died)]);
    return 0;
  } finally {
    print("");
    print("Stopping ...");
    await served?.close();
    await stack.stop();
  }
}

interface StartOptions {
  readonly once: boolean;
  readonly relay: boolean;
  readonly port: number;
  readonly nodes: number;
}

/** @throws Error with one line. */
function readOptions(): StartOptions {
  const { values } = parseArgs({
    options: {
      once: { type: "boolean", default: false },
      relay: { type: "boolean", default: false },
      port: { type: "string" },
      nodes: { type: "string" },
    },
  });
  const { once, relay } = values;
  const nodes = integer("--nodes", "a number", values.nodes ?? "2", 1, MAX_NODES);
  const last = 65_535 - consoleOffset(nodes);
  return { once, relay, nodes, port: integer("--port", "a port", values.port ?? "6001", 0, last) };
}

function integer(option: string, what: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (text.trim() !== "" && Number.isInteger(number) && number >= least && number <= most) return number;
  throw new Error(`${option}: expected ${what} from ${least} to ${most}, found "${text}". Usage: ${USAGE}`);
}

function consoleOffset(nodes: number): number {
  return Math.max(CONSOLE_OFFSET, nodes);
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

function explainOwnChange({ dynamodbEndpoint, redisUrl }: Stack): void {
  // One of the user's own is in the environment already, and may hold a password.
  const redis = redisUrl === process.env.REDIS_URL ? "" : ` REDIS_URL=${redisUrl}`;
  const login = "AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local";
  print("");
  print("Running. Changes are shown as they arrive. Make one yourself, in another terminal in this folder:");
  print("");
  print(`  export${redis} APP_MANAGER_DYNAMODB_ENDPOINT=${dynamodbEndpoint} ${login}`);
  print("  node dist/cli.mjs apps disable acme");
  print("  node dist/cli.mjs apps rotate-secret acme --overlap 1h");
  print("  node dist/cli.mjs doctor");
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
    await Promise.race([fails(stack.died), fails(stack.nodeDied), pause(OUTPUT_FLUSH_MS)]);
    throw error;
  }
}

async function fails(died: Promise<string>): Promise<never> {
  throw new Error(await died);
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
