import type { Random } from "../random.ts";
import { type Owner, type VirtualTime, WORLD } from "../virtual-time.ts";

/**
 * The network between one process and Redis.
 *
 * - `cut`: both sides are told, at once or soon.
 * - `silent`: nothing passes, and nobody is told. What is sent arrives when the network is back, in its order, also when its
 *   sender has given up: it is in the socket.
 */
export type LinkState = "up" | "cut" | "silent";

export class Link {
  /** Latency of one way, in milliseconds: from, to. */
  latency: readonly [number, number] = [0.1, 2];
  readonly #time: VirtualTime;
  readonly #random: Random;
  #state: LinkState = "up";
  readonly #pipes = new Set<Pipe>();
  readonly #cuts = new Set<() => void>();

  constructor(time: VirtualTime, random: Random) {
    this.#time = time;
    this.#random = random;
  }

  get state(): LinkState {
    return this.#state;
  }

  set state(state: LinkState) {
    this.#state = state;
    if (state === "cut") this.dropAll();
    if (state === "up") for (const pipe of this.#pipes) pipe.flush();
  }

  /** All sockets end: the network breaks, or the process does. */
  dropAll(): void {
    for (const onCut of [...this.#cuts]) onCut();
  }

  delay(): number {
    return this.#random.between(...this.latency);
  }

  /** One direction of a socket. @param owner who gets what is sent. */
  pipe(owner: Owner): Pipe {
    const pipe = new Pipe(this.#time, this, owner);
    this.#pipes.add(pipe);
    return pipe;
  }

  close(pipe: Pipe): void {
    this.#pipes.delete(pipe);
  }

  onCut(told: () => void): void {
    this.#cuts.add(told);
  }

  offCut(told: () => void): void {
    this.#cuts.delete(told);
  }
}

/** In order, whatever the delays. */
export class Pipe {
  readonly #time: VirtualTime;
  readonly #link: Link;
  readonly #owner: Owner;
  #last = 0;
  readonly #held: (() => void)[] = [];

  constructor(time: VirtualTime, link: Link, owner: Owner) {
    this.#time = time;
    this.#link = link;
    this.#owner = owner;
  }

  send(arrive: () => void): void {
    this.#last = Math.max(this.#last, this.#time.now + this.#link.delay());
    const onTheWay = () => {
      if (this.#link.state === "silent") this.#held.push(arrive);
      else if (this.#owner === WORLD) arrive();
      else this.#time.after(0, arrive, this.#owner);
    };
    // A paused process has it in its socket's buffer.
    this.#time.after(this.#last - this.#time.now, onTheWay, WORLD);
  }

  flush(): void {
    for (const arrive of this.#held.splice(0)) this.send(arrive);
  }
}
