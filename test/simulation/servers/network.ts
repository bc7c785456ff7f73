import type { Link, Pipe } from "./link.ts";
import { type Owner, type VirtualTime, WORLD } from "../virtual-time.ts";
import type { Reply } from "./lua.ts";

/** What listens at an address. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly up: boolean;
  connected(socket: ServerSocket): void;
  closed(socket: ServerSocket): void;
  receive(socket: ServerSocket, command: readonly string[], reply: (answer: Reply | Error) => void): void;
}

/** A connection, as its server has it. */
export interface ServerSocket {
  push(channel: string, payload: string): void;
  end(): void;
}

/** A process with its way to Redis. */
export interface Process {
  readonly time: VirtualTime;
  readonly owner: Owner;
  readonly link: Link;
}

export interface SocketEvents {
  readonly answered: (answer: Reply | Error) => void;
  readonly pushed: (channel: string, payload: string) => void;
  /** It is over, and not by ourselves. */
  readonly ended: () => void;
}

/** Which server is where, by name and port, from the place of who asks. Names may come to lead elsewhere. */
export type Resolve = (host: string, port: number, link: Link) => Endpoint | undefined;

/** A TCP connection between a process and a server. */
export class SimulatedSocket implements ServerSocket {
  /** As Node has it. */
  readonly stream: { readonly remoteAddress: string; readonly remotePort: number; writable: boolean };
  readonly #process: Process;
  readonly #endpoint: Endpoint;
  readonly #events: SocketEvents;
  readonly #up: Pipe;
  readonly #down: Pipe;
  readonly #onCut = () => {
    this.#endpoint.closed(this);
    this.#process.time.after(this.#process.link.delay(), () => this.#ended(), this.#process.owner);
  };

  constructor(process: Process, endpoint: Endpoint, events: SocketEvents) {
    this.#process = process;
    this.#endpoint = endpoint;
    this.#events = events;
    this.stream = { remoteAddress: endpoint.host, remotePort: endpoint.port, writable: true };
    this.#up = process.link.pipe(WORLD, endpoint.host);
    this.#down = process.link.pipe(process.owner, endpoint.host);
    process.link.onCut(endpoint.host, this.#onCut);
    endpoint.connected(this);
  }

  write(command: readonly string[]): void {
    this.#up.send(() => {
      this.#endpoint.receive(this, command, (answer) => {
        this.#down.send(() => {
          if (this.stream.writable) this.#events.answered(answer);
        });
      });
    });
  }

  /** By the process itself. What it has sent still arrives. */
  close(): void {
    if (!this.stream.writable) return;
    this.stream.writable = false;
    this.#up.send(() => {
      this.#endpoint.closed(this);
    });
    this.#forget();
  }

  push(channel: string, payload: string): void {
    this.#down.send(() => {
      if (this.stream.writable) this.#events.pushed(channel, payload);
    });
  }

  end(): void {
    this.#down.send(() => this.#ended());
  }

  #ended(): void {
    if (!this.stream.writable) return;
    this.stream.writable = false;
    this.#forget();
    this.#events.ended();
  }

  #forget(): void {
    const { link } = this.#process;
    link.offCut(this.#endpoint.host, this.#onCut);
    // What is on its way there goes on; nobody waits for what comes back.
    link.close(this.#down);
  }
}
