import { type Reply, ReplyError } from "./lua.ts";
import type { Endpoint, ServerSocket } from "./network.ts";
import type { SimulatedServer } from "./server.ts";

/** What one sentinel believes. */
interface View {
  readonly primary: SimulatedServer;
  readonly epoch: number;
}

export class SimulatedSentinel implements Endpoint {
  readonly host: string;
  readonly port = 26379;
  up = true;
  #view: View;
  /** What it named before, and since when: the newest last. */
  readonly #history: { readonly since: number; readonly primary: SimulatedServer }[];
  readonly #clock: () => number;
  readonly #others: () => readonly SimulatedSentinel[];

  constructor(host: string, view: View, others: () => readonly SimulatedSentinel[], clock: () => number) {
    this.host = host;
    this.#view = view;
    this.#clock = clock;
    this.#history = [{ since: clock(), primary: view.primary }];
    this.#others = others;
  }

  /** Whom it names to clients. */
  get primary(): SimulatedServer {
    return this.#view.primary;
  }

  /** It hears of a promotion. It never goes back to an earlier epoch. */
  hear(view: View): void {
    if (view.epoch <= this.#view.epoch) return;
    this.#view = view;
    this.#history.push({ since: this.#clock(), primary: view.primary });
  }

  /** Whether it has named a server at any moment since then. */
  hasNamed(server: SimulatedServer, since: number): boolean {
    return this.#history.some(
      ({ primary }, i) => primary === server && (this.#history[i + 1]?.since ?? Infinity) >= since,
    );
  }

  connected(): void {
    // Sentinels outlive all stories.
  }

  closed(): void {
    // Nothing is pushed.
  }

  receive(_: ServerSocket, [name, what]: readonly string[], reply: (answer: Reply | Error) => void): void {
    reply(this.#answer(`${name ?? ""} ${what ?? ""}`));
  }

  #answer(question: string): Reply | Error {
    const { primary, epoch } = this.#view;
    switch (question) {
      case "INFO ":
      case "PING ":
        return "";
      case "SENTINEL MYID":
        return `id of ${this.host}`;
      case "SENTINEL MASTER":
        return [
          "ip",
          primary.host,
          "port",
          String(primary.port),
          "runid",
          primary.run,
          "config-epoch",
          String(epoch),
          "num-other-sentinels",
          String(this.#others().length - 1),
        ];
      case "SENTINEL SENTINELS":
        return this.#others().map(({ host, port }) => ["ip", host, "port", String(port)]);
      default:
        return new ReplyError(`ERR the simulation's sentinel knows no ${question}`);
    }
  }
}
