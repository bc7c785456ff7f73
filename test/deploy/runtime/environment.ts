import { type Child, startChild } from "../../../local/child.ts";
import { within } from "../../../src/async/within.ts";
import { type Answer, RuntimeApi } from "./api.ts";

export interface EnvironmentOptions {
  readonly node: string;
  /** AWS's runtime client. */
  readonly client: string;
  /** Where the function's zip was unpacked. */
  readonly folder: string;
  /** As the template names it: `dist/handlers/stream.handler`. */
  readonly handler: string;
  readonly variables: Readonly<Record<string, string>>;
}

/** Why an environment is gone: Lambda ends it, and begins another with the next invocation. */
export class TimedOutError extends Error {
  override readonly name = "TimedOutError";
}

/** The start of a function may take so long, whatever its time-out is. Milliseconds, Lambda's own. */
const INIT_LIMIT_MS = 10_000;

/**
 * One execution environment as Lambda runs it: begun for an invocation, frozen as soon as that is answered, thawed by the next one,
 * and ended when one runs into its time-out.
 */
export class Environment {
  readonly #api: RuntimeApi;
  readonly #child: Child;

  private constructor(api: RuntimeApi, child: Child) {
    this.#api = api;
    this.#child = child;
  }

  static async start({ node, client, folder, handler, variables }: EnvironmentOptions): Promise<Environment> {
    const api = await RuntimeApi.start();
    const child = await startChild({
      name: "function",
      command: node,
      args: [client, handler],
      cwd: folder,
      env: {
        AWS_ACCESS_KEY_ID: "local",
        AWS_SECRET_ACCESS_KEY: "local",
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "256",
        AWS_LAMBDA_FUNCTION_NAME: "proof",
        AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
        AWS_LAMBDA_LOG_GROUP_NAME: "/aws/lambda/proof",
        AWS_LAMBDA_LOG_STREAM_NAME: "proof",
        AWS_LAMBDA_RUNTIME_API: api.address,
        AWS_REGION: "eu-west-1",
        LAMBDA_TASK_ROOT: folder,
        _HANDLER: handler,
        ...variables,
      },
      ready: () => api.idle().then(() => true),
      readyWithinMs: 6 * INIT_LIMIT_MS,
    });
    const environment = new Environment(api, child);
    environment.#freeze();
    return environment;
  }

  /** What it has printed: JSON logs and metrics. */
  get output(): string {
    return this.#child.output();
  }

  /**
   * One invocation, after which it is frozen.
   *
   * @param starved hands the event over to a process that gets no time at all.
   * @throws TimedOutError when it was ended for its time-out.
   */
  async invoke(event: unknown, limitMs: number, starved = false): Promise<Answer> {
    if (!starved) this.#child.signal("SIGCONT");
    const late = () => new TimedOutError(`Task timed out after ${limitMs} ms`);
    try {
      const gone = this.#child.exited.then((how): never => {
        throw new Error(`expected an answer of the function, found that it ended: ${how}\n${this.output}`);
      });
      const answer = await within(limitMs, late, Promise.race([this.#api.invoke(event, limitMs), gone]));
      await this.#api.idle();
      this.#freeze();
      return answer;
    } catch (error) {
      await this.end();
      throw error;
    }
  }

  async end(): Promise<void> {
    this.#child.signal("SIGKILL");
    await this.#child.exited;
    await this.#api.close();
  }

  #freeze(): void {
    this.#child.signal("SIGSTOP");
  }
}
