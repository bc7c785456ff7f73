/** Who an event happens to: a node's events wait while the node is paused, and are gone when it stops. */
export type Owner = string;

/** What belongs to no node: the network, Redis, the table. */
export const WORLD: Owner = "world";

interface Event {
  readonly at: number;
  readonly order: number;
  readonly owner: Owner;
  readonly run: () => void;
  /** For an interval: it happens again after so many milliseconds. */
  readonly every?: number;
}

/** Lets all promises that are ready run to where they wait for an event. */
const settled = setImmediate;

/**
 * A clock that jumps from event to event. While it is installed, the process' timers and `Math.random` are its own, so
 * that the real code runs by it; one simulation at a time.
 *
 * Everything follows from the order of events: those of one moment run in the order they were made.
 */
export class VirtualTime {
  now = 0;
  /** Who the running event happens to. What it starts, promises and timers included, is theirs. */
  owner: Owner = WORLD;
  #events: Event[] = [];
  #count = 0;
  readonly #paused = new Map<Owner, Event[]>();
  readonly #gone = new Set<Owner>();

  after(ms: number, run: () => void, owner = this.owner): Event {
    return this.#add({ at: this.now + Math.max(0, ms), order: (this.#count += 1), owner, run });
  }

  every(ms: number, run: () => void): Event {
    const event = { at: this.now + ms, order: (this.#count += 1), owner: this.owner, run, every: ms };
    return this.#add(event);
  }

  cancel(event: Event | undefined): void {
    if (!event) return;
    // An interval is another event each time it comes.
    const others = (one: Event) => one.order !== event.order;
    this.#events = this.#events.filter(others);
    for (const [owner, held] of this.#paused) this.#paused.set(owner, held.filter(others));
  }

  pause(owner: Owner): void {
    if (!this.#paused.has(owner)) this.#paused.set(owner, []);
  }

  /** What would have happened meanwhile happens now, in its order. */
  resume(owner: Owner): void {
    const held = this.#paused.get(owner) ?? [];
    this.#paused.delete(owner);
    for (const event of held) this.#add({ ...event, at: this.now });
  }

  stop(owner: Owner): void {
    this.#gone.add(owner);
    this.#paused.delete(owner);
  }

  isPaused(owner: Owner): boolean {
    return this.#paused.has(owner);
  }

  async runUntil(end: number): Promise<void> {
    for (let event = this.#events[0]; event && event.at <= end; event = this.#events[0]) {
      this.#events.shift();
      this.now = event.at;
      if (this.#gone.has(event.owner)) continue;
      const held = this.#paused.get(event.owner);
      if (held) {
        held.push(event);
        continue;
      }
      if (event.every !== undefined) this.#add({ ...event, at: this.now + event.every });
      this.owner = event.owner;
      event.run();
      await new Promise<void>((resolve) => settled(resolve));
    }
    this.owner = WORLD;
    this.now = end;
  }

  /** @returns what puts the process' own timers back. */
  install(random: () => number): () => void {
    const { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate } = globalThis;
    const before = { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate };
    const mathRandom = Math.random;
    const cancel = (event: Event | undefined) => {
      this.cancel(event);
    };
    Object.assign(globalThis, {
      setTimeout: (run: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) =>
        this.after(ms, () => {
          run(...args);
        }),
      setInterval: (run: () => void, ms = 0) => this.every(ms, run),
      setImmediate: (run: () => void) => this.after(0, run),
      clearTimeout: cancel,
      clearInterval: cancel,
    });
    Math.random = random;
    return () => {
      Object.assign(globalThis, before);
      Math.random = mathRandom;
    };
  }

  #add(event: Event): Event {
    const isBefore = (other: Event) =>
      other.at < event.at || (other.at === event.at && other.order < event.order);
    let low = 0;
    for (let high = this.#events.length; low < high;) {
      const middle = (low + high) >>> 1;
      const other = this.#events[middle];
      if (other && isBefore(other)) low = middle + 1;
      else high = middle;
    }
    this.#events.splice(low, 0, event);
    return event;
  }
}
