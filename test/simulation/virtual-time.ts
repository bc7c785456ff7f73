/** Who an event happens to: a node's events wait while the node is paused, and are gone when it stops. */
export type Owner = string;

/** What belongs to no node: the network, Redis, the table. */
export const WORLD: Owner = "world";

export interface Event {
  at: number;
  readonly order: number;
  readonly owner: Owner;
  readonly run: () => void;
  /** For an interval: it happens again after so many milliseconds. */
  readonly every: number | undefined;
  isCancelled: boolean;
}

/** When a story starts, by the wall clock: any fixed time will do. Milliseconds since 1970. */
export const START_MS = 1_700_000_000_000;

/** Before the next of these, all promises that are ready run to where they wait for an event. */
const settled = setImmediate;

/** Of the process' own loop, which asks the system for news each time. */
const EVENTS_A_TURN = 64;

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
  /** A heap: the next event is the first. */
  readonly #events: Event[] = [];
  #count = 0;
  readonly #paused = new Map<Owner, Event[]>();
  readonly #gone = new Set<Owner>();

  after(ms: number, run: () => void, owner = this.owner): Event {
    return this.#add(this.now + Math.max(0, ms), run, owner);
  }

  every(ms: number, run: () => void): Event {
    return this.#add(this.now + ms, run, this.owner, ms);
  }

  /** Of an interval all that is still to come. */
  cancel(event: Event | undefined): void {
    if (event) event.isCancelled = true;
  }

  pause(owner: Owner): void {
    if (!this.#paused.has(owner)) this.#paused.set(owner, []);
  }

  /** What would have happened meanwhile happens now, in its order. */
  resume(owner: Owner): void {
    const held = this.#paused.get(owner) ?? [];
    this.#paused.delete(owner);
    for (const event of held) this.#push(event, this.now);
  }

  stop(owner: Owner): void {
    this.#gone.add(owner);
    this.#paused.delete(owner);
  }

  isPaused(owner: Owner): boolean {
    return this.#paused.has(owner);
  }

  /** @param isOver ends it before. */
  runUntil(end: number, isOver: () => boolean = () => false): Promise<void> {
    return new Promise((resolve, reject) => {
      let isDone = false;
      const step = () => {
        if (isDone) return;
        try {
          isDone = isOver() || !this.#runNext(end);
        } catch (error) {
          isDone = true;
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
      const turn = () => {
        for (let i = 0; i < EVENTS_A_TURN; i += 1) settled(step);
        settled(() => {
          if (!isDone) turn();
          else {
            this.owner = WORLD;
            this.now = end;
            resolve();
          }
        });
      };
      turn();
    });
  }

  /** @returns whether there was one. */
  #runNext(end: number): boolean {
    for (let event = this.#events[0]; event && event.at <= end; event = this.#events[0]) {
      this.#pop();
      if (event.isCancelled || this.#gone.has(event.owner)) continue;
      this.now = event.at;
      const held = this.#paused.get(event.owner);
      if (held) {
        held.push(event);
        continue;
      }
      if (event.every !== undefined) this.#push(event, this.now + event.every);
      this.owner = event.owner;
      event.run();
      return true;
    }
    return false;
  }

  /** @returns what puts the process' own timers back. */
  install(random: () => number): () => void {
    const { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate } = globalThis;
    const before = { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate };
    const mathRandom = Math.random;
    const dateNow = Date.now;
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
    // In whole milliseconds, as the real one.
    Date.now = () => START_MS + Math.floor(this.now);
    performance.now = () => this.now;
    return () => {
      Object.assign(globalThis, before);
      Math.random = mathRandom;
      Date.now = dateNow;
      // What is left is the class's own.
      Reflect.deleteProperty(performance, "now");
    };
  }

  #add(at: number, run: () => void, owner: Owner, every?: number): Event {
    const event = { at, order: (this.#count += 1), owner, run, every, isCancelled: false };
    this.#push(event, at);
    return event;
  }

  #push(event: Event, at: number): void {
    event.at = at;
    const events = this.#events;
    let place = events.push(event) - 1;
    while (place > 0) {
      const parent = (place - 1) >>> 1;
      if (!isBefore(event, events[parent])) break;
      events[place] = events[parent] as Event;
      place = parent;
    }
    events[place] = event;
  }

  #pop(): void {
    const events = this.#events;
    const last = events.pop();
    if (!last || events.length === 0) return;
    let place = 0;
    for (;;) {
      const left = 2 * place + 1;
      if (left >= events.length) break;
      const child = isBefore(events[left + 1], events[left]) ? left + 1 : left;
      if (!isBefore(events[child], last)) break;
      events[place] = events[child] as Event;
      place = child;
    }
    events[place] = last;
  }
}

function isBefore(left: Event | undefined, right: Event | undefined): boolean {
  if (!left || !right) return left !== undefined;
  return left.at < right.at || (left.at === right.at && left.order < right.order);
}
