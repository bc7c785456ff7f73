import type { Child } from "./child.ts";
import { type SoketiNode, type SoketiNodeOptions, startSoketi } from "./soketi-node.ts";
import type { TcpProxy } from "./tcp-proxy.ts";

export interface StackNodeOptions {
  /** As people call it: "node 1". */
  readonly name: string;
  readonly soketi: SoketiNodeOptions;
  /** Its way to Redis, where there is one in hand. */
  readonly redisLink: TcpProxy | undefined;
  /** Called when its process has ended, unless it was stopped, with how. */
  readonly onEnded: (how: string) => void;
}

/** A soketi node of the stack. It may be killed, and started again on the same port: the stack goes on. */
export class StackNode implements SoketiNode {
  readonly #options: StackNodeOptions;
  #node: SoketiNode;
  #state: "running" | "starting" | "ended" = "running";
  #isStopped = false;

  private constructor(options: StackNodeOptions, node: SoketiNode) {
    this.#options = options;
    this.#node = node;
    this.#watch(node.child);
  }

  /** Rejects with ChildError, as `startSoketi` does. */
  static async start(options: StackNodeOptions): Promise<StackNode> {
    return new StackNode(options, await startSoketi(options.soketi));
  }

  get name(): string {
    return this.#options.name;
  }

  get redisLink(): TcpProxy | undefined {
    return this.#options.redisLink;
  }

  get state(): "running" | "starting" | "ended" {
    return this.#state;
  }

  get child(): Child {
    return this.#node.child;
  }

  get port(): number {
    return this.#node.port;
  }

  get metricsPort(): number {
    return this.#node.metricsPort;
  }

  get url(): string {
    return this.#node.url;
  }

  metrics(): Promise<Record<string, number>> {
    return this.#node.metrics();
  }

  /** Ends its process, which can say nothing any more. Resolves when it is gone. */
  async kill(): Promise<void> {
    this.child.signal("SIGKILL");
    await this.child.exited;
  }

  /** Starts one that has ended, as another process. Resolves when it is ready. Rejects with ChildError. */
  async startAgain(): Promise<void> {
    if (this.#state !== "ended")
      throw new Error(`expected ${this.name} to have ended, found it ${this.#state}`);
    this.#state = "starting";
    try {
      this.#node = await startSoketi({ ...this.#options.soketi, port: this.port });
      this.#state = "running";
      this.#watch(this.child);
    } catch (error) {
      this.#state = "ended";
      throw error;
    }
    if (this.#isStopped) await this.#node.stop();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#node.stop();
  }

  #watch(child: Child): void {
    void child.exited.then((how) => {
      if (this.#isStopped) return;
      this.#state = "ended";
      this.#options.onEnded(how);
    });
  }
}
