import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { compile, type Compiled, compileMutant, root } from "./compile.ts";
import type { Mutant } from "./mutants.ts";
import type { Answer, Job, SeedVerdict, StoryKind } from "./worker.ts";

export type { SeedVerdict, StoryKind } from "./worker.ts";

/** Seeds that a worker is given at a time. */
const CHUNK = 25;

export interface Seeds {
  readonly first: number;
  readonly count: number;
  readonly mutant?: Mutant | undefined;
  /** Default: the mutant's, or the model. */
  readonly kind?: StoryKind | undefined;
}

interface Task {
  readonly job: Job;
  readonly onVerdict: (verdict: SeedVerdict) => void;
  readonly resolve: (text: string) => void;
  readonly reject: (error: Error) => void;
}

/** One process for each processor. They stay until the pool is closed: one that has just begun is three times as slow. */
export class Pool {
  readonly #folder: string;
  readonly #workers: readonly Worker[];
  readonly #waiting: Task[] = [];

  private constructor(folder: string, compiled: Compiled) {
    this.#folder = folder;
    this.#workers = Array.from({ length: availableParallelism() }, () => new Worker(compiled));
  }

  static async open(): Promise<Pool> {
    const folder = mkdtempSync(join(tmpdir(), "simulation-"));
    return new Pool(folder, await compile(folder));
  }

  /** Runs seeds, each verdict as it comes. Stops early when `until` says so. */
  async run(
    { first, count, mutant, kind = mutant?.kind ?? "model" }: Seeds,
    onVerdict: (verdict: SeedVerdict) => void,
    until: () => boolean = () => false,
  ): Promise<void> {
    const changed = mutant && (await compileMutant(mutant));
    const end = first + count;
    let next = first;
    const take = async () => {
      while (next < end && !until()) {
        const from = next;
        next += CHUNK;
        const job: Job = { do: "run", kind, first: from, count: Math.min(CHUNK, end - from), changed };
        await this.#do(job, onVerdict);
      }
    };
    await Promise.all(this.#workers.map(take));
  }

  /** The story of one seed, as short as it gets, and what it violates. */
  tell(seed: number, kind: StoryKind = "model"): Promise<string> {
    return this.#do({ do: "tell", kind, seed }, () => undefined);
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.close()));
    rmSync(this.#folder, { recursive: true });
  }

  #do(job: Job, onVerdict: (verdict: SeedVerdict) => void): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ job, onVerdict, resolve, reject });
      this.#next();
    });
  }

  /** A worker gets what it has already done the like of, if there is any. */
  #next(): void {
    for (const worker of this.#workers) {
      if (!worker.isFree) continue;
      const alike = this.#waiting.findIndex(({ job }) => job.kind === worker.kind);
      const [task] = this.#waiting.splice(Math.max(alike, 0), 1);
      if (task) worker.take(task, () => this.#next());
    }
  }
}

class Worker {
  /** Of the job before. */
  kind: StoryKind | undefined;
  readonly #compiled: Compiled;
  #process: ChildProcess;
  #task: Task | undefined;
  #onFree: () => void = () => undefined;

  constructor(compiled: Compiled) {
    this.#compiled = compiled;
    this.#process = this.#start();
  }

  get isFree(): boolean {
    return this.#task === undefined;
  }

  take(task: Task, onFree: () => void): void {
    this.#task = task;
    this.#onFree = onFree;
    this.kind = task.job.kind;
    this.#process.send(task.job);
  }

  close(): Promise<void> {
    this.#process.removeAllListeners("close");
    return new Promise((resolve) => {
      // A channel that was closed here never lets it "close".
      this.#process.once("exit", () => resolve());
      this.#process.disconnect();
    });
  }

  #start(): ChildProcess {
    const { worker, modules } = this.#compiled;
    const child = fork(worker, [root, modules], { stdio: ["ignore", "ignore", "pipe", "ipc"], execArgv: [] });
    const errors: Buffer[] = [];
    child.stderr?.on("data", (chunk: Buffer) => errors.push(chunk));
    child.on("message", (answer: Answer) => this.#onAnswer(answer));
    // A story that ends the process is that story's failure: the next has another.
    child.once("close", (code) => {
      this.#process = this.#start();
      const why = `a worker ended with exit code ${code ?? "none"}: ${Buffer.concat(errors).toString()}`;
      this.#onAnswer({ failed: why });
    });
    return child;
  }

  #onAnswer(answer: Answer): void {
    const task = this.#task;
    if ("verdict" in answer) {
      task?.onVerdict(answer.verdict);
      return;
    }
    this.#task = undefined;
    if ("done" in answer) task?.resolve(answer.done);
    else task?.reject(new Error(answer.failed));
    this.#onFree();
  }
}
