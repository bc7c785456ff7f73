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

/** The same of one place alone; what is still on its way when it is cut is lost. */
export type PlaceState = Exclude<LinkState, "up">;

export class Link {
  /** Latency of one way, in milliseconds: from, to. */
  latency: readonly [number, number] = [0.1, 2];
  readonly #time: VirtualTime;
  readonly #random: Random;
  #state: LinkState = "up";
  readonly #pipes = new Set<Pipe>();
  readonly #cuts = new Set<() => void>();
  /** Hosts that are not reached, while the others are. */
  readonly #places = new Map<string, PlaceState>();
  readonly #placeCuts = new Map<string, Set<() => void>>();

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

  /** How a host is reached, as far as it is not for the whole link to say. */
  stateOf(host: string): LinkState {
    return this.#places.get(host) ?? "up";
  }

  cutOff(hosts: readonly string[], state: PlaceState): void {
    for (const host of hosts) {
      this.#places.set(host, state);
      if (state === "silent") continue;
      for (const pipe of this.#pipes) if (pipe.host === host) pipe.lose();
      for (const onCut of [...(this.#placeCuts.get(host) ?? [])]) onCut();
    }
  }

  reachAgain(hosts: readonly string[]): void {
    for (const host of hosts) this.#places.delete(host);
    if (this.#state === "up") for (const pipe of this.#pipes) pipe.flush();
  }

  /** One direction of a socket. @param owner who gets what is sent. @param host the other end. */
  pipe(owner: Owner, host?: string): Pipe {
    const pipe = new Pipe(this.#time, this, owner, host);
    this.#pipes.add(pipe);
    return pipe;
  }

  close(pipe: Pipe): void {
    this.#pipes.delete(pipe);
  }

  onCut(host: string, told: () => void): void {
    this.#cuts.add(told);
    this.#placeCuts.set(host, (this.#placeCuts.get(host) ?? new Set()).add(told));
  }

  offCut(host: string, told: () => void): void {
    this.#cuts.delete(told);
    this.#placeCuts.get(host)?.delete(told);
  }
}

/** In order, whatever the delays. */
export class Pipe {
  readonly #time: VirtualTime;
  readonly #link: Link;
  readonly #owner: Owner;
  readonly host: string | undefined;
  #last = 0;
  readonly #held: (() => void)[] = [];
  #isLost = false;

  constructor(time: VirtualTime, link: Link, owner: Owner, host: string | undefined) {
    this.#time = time;
    this.#link = link;
    this.#owner = owner;
    this.host = host;
  }

  send(arrive: () => void): void {
    this.#last = Math.max(this.#last, this.#time.now + this.#link.delay());
    const onTheWay = () => {
      if (this.#isLost) return;
      if (this.#isSilent) this.#held.push(arrive);
      else if (this.#owner === WORLD) arrive();
      else this.#time.after(0, arrive, this.#owner);
    };
    // A paused process has it in its socket's buffer.
    this.#time.after(this.#last - this.#time.now, onTheWay, WORLD);
  }

  flush(): void {
    if (this.#isSilent) return;
    for (const arrive of this.#held.splice(0)) this.send(arrive);
  }

  /** Its socket was reset: nothing of it arrives any more. */
  lose(): void {
    this.#isLost = true;
  }

  get #isSilent(): boolean {
    return (
      this.#link.state === "silent" || (this.host !== undefined && this.#link.stateOf(this.host) === "silent")
    );
  }
}
