import type { Random } from "./random.ts";
import { type Owner, type VirtualTime, WORLD } from "./virtual-time.ts";

/**
 * The network between one process and Redis.
 *
 * - `cut`: both sides are told, at once or soon.
 * - `silent`: what is sent is lost, and nobody is told. Half-open connections look like this.
 */
export type LinkState = "up" | "cut" | "silent";

export class Link {
  state: LinkState = "up";
  /** Latency of one way, in milliseconds: from, to. */
  latency: readonly [number, number] = [0.1, 2];
  readonly #time: VirtualTime;
  readonly #random: Random;
  readonly #owner: Owner;

  constructor(time: VirtualTime, random: Random, owner: Owner) {
    this.#time = time;
    this.#random = random;
    this.#owner = owner;
  }

  delay(): number {
    return this.#random.between(...this.latency);
  }

  /** A command: what the server does happens there, once, whether or not its answer comes back. */
  call<T>(execute: () => T, limitMs: number): Promise<T> {
    const owner = this.#owner;
    return new Promise<T>((resolve, reject) => {
      const giveUp = this.#time.after(
        limitMs,
        () => {
          reject(new Error(`no answer within ${limitMs} ms`));
        },
        owner,
      );
      const answer = (settle: () => void) => {
        if (this.state !== "up") return;
        this.#time.after(
          this.delay(),
          () => {
            this.#time.cancel(giveUp);
            settle();
          },
          owner,
        );
      };
      if (this.state === "silent") return;
      if (this.state === "cut") {
        this.#time.cancel(giveUp);
        this.#time.after(
          this.delay(),
          () => {
            reject(new Error("connect ECONNREFUSED"));
          },
          owner,
        );
        return;
      }
      const arrive = () => {
        if (this.state !== "up") return;
        let result: T;
        try {
          result = execute();
        } catch (error) {
          answer(() => {
            reject(error instanceof Error ? error : new Error(String(error)));
          });
          return;
        }
        answer(() => {
          resolve(result);
        });
      };
      this.#time.after(this.delay(), arrive, WORLD);
    });
  }
}
