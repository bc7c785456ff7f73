import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { MappedFunction } from "../../support/event-source-mapping.ts";

/** The deployed bundle in a process of its own, as Lambda has it: made when it is needed, and again when it was killed. */
export interface FunctionContainer {
  readonly handler: MappedFunction;
  /** SIGKILL, SIGSTOP or SIGCONT; nothing while there is no process. */
  signal(signal: NodeJS.Signals): void;
  stop(): void;
}

interface Answer {
  readonly id: number;
  readonly response?: unknown;
  readonly error?: string;
}

const script = fileURLToPath(new URL("function-process.mjs", import.meta.url));
const bundle = fileURLToPath(new URL("../../../dist/handlers/stream.mjs", import.meta.url));

export function createContainer(env: Readonly<Record<string, string>>): FunctionContainer {
  const waiting = new Map<number, (answer: Answer) => void>();
  let child: ChildProcess | undefined;
  let lastId = 0;

  function start(): ChildProcess {
    const started = fork(script, [bundle], {
      env: {
        ...process.env,
        NODE_OPTIONS: "",
        POWERTOOLS_LOG_LEVEL: "CRITICAL",
        POWERTOOLS_METRICS_DISABLED: "true",
        ...env,
      },
      execArgv: [],
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    started.on("message", (answer: Answer) => {
      waiting.get(answer.id)?.(answer);
      waiting.delete(answer.id);
    });
    started.on("exit", () => {
      if (child === started) child = undefined;
      for (const [id, settle] of waiting) settle({ id, error: "the container is gone" });
      waiting.clear();
    });
    return started;
  }

  return {
    async handler(event, context) {
      child ??= start();
      lastId += 1;
      const id = lastId;
      const message = { id, event, remainingMs: context.getRemainingTimeInMillis() };
      const answer = await new Promise<Answer>((resolve) => {
        waiting.set(id, resolve);
        child?.send(message, (error) => {
          if (error) resolve({ id, error: error.message });
        });
      });
      if (answer.error !== undefined) throw new Error(answer.error);
      return answer.response;
    },
    signal(signal) {
      child?.kill(signal);
    },
    stop() {
      child?.kill("SIGKILL");
    },
  };
}
