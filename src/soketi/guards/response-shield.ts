import type { HttpResponse } from "./soketi-parts.ts";
import type { BodyBudget, HeldBody } from "./body-budget.ts";
import { RequestBody } from "./request-body.ts";

export interface ShieldOptions {
  /** Whether calls after the end, or after the client has gone, do nothing. Otherwise they throw, as uWebSockets.js does. */
  readonly outlivesClient: boolean;
  /** Whether status and headers are written together at the end, so that the status is the one that soketi means. */
  readonly keepsStatus: boolean;
  /** Bytes of a request's body. */
  readonly maxBody: number;
  /** Of all requests together. */
  readonly unsigned: BodyBudget<HttpResponse>;
  /** The request says that it has no body. */
  readonly hasNoBody: boolean;
  readonly onTooLarge: () => void;
  /** Its body, which has come, was dropped: others had no room. */
  readonly onNoRoom: () => void;
  /** soketi has not answered in time. */
  readonly onUnanswered: () => void;
  /** soketi would have written a header to a client that has gone, which throws where nobody catches it. */
  readonly onSpared: () => void;
}

/**
 * Longer than everything that a request can wait for, one after the other: its app, the rate limiter, the number of nodes
 * and their answers. Milliseconds.
 */
export const ANSWER_LIMIT_MS = 30_000;

/**
 * Stands between soketi and one response of uWebSockets.js, whose own methods it covers. The first header that is written
 * writes the status line "200 OK" with it, and soketi writes its headers first: every error of its has the status 200.
 */
export function shieldResponse(response: HttpResponse, options: ShieldOptions): void {
  const shield = new ResponseShield(response, options);
  response.writeStatus = (status) => shield.writeStatus(status);
  response.writeHeader = (name, value) => shield.writeHeader(name, value);
  response.end = (body, closes) => shield.end(body, closes);
  response.cork = (work) => shield.cork(work);
  if (!options.outlivesClient) return;
  response.onData = (handler) => shield.onData(handler);
  // soketi's own handlers write the response to the log, and the app's secret with it, or answer who has gone.
  response.onAborted = () => response;
}

/** A complete body is taken at once, and is then no larger than what has come. */
function heldOf({ bytes, capacity }: RequestBody, isComplete: boolean, drop: () => void): HeldBody {
  return { bytes: isComplete ? bytes : capacity, isComplete, drop };
}

class ResponseShield {
  readonly #response: HttpResponse;
  readonly #options: ShieldOptions;
  /** As they are on the prototype: those of the object itself are covered. */
  readonly #real: HttpResponse;
  #status: string | undefined;
  readonly #headers: (readonly [string, string])[] = [];
  #state: "open" | "ended" | "aborted" = "open";
  #isSpared = false;
  /** Its body is asked for, and not all of it has come. */
  #isBodyComing = false;
  #deadline: NodeJS.Timeout | undefined;

  constructor(response: HttpResponse, options: ShieldOptions) {
    this.#response = response;
    this.#options = options;
    this.#real = Object.getPrototypeOf(response) as HttpResponse;
    if (!options.outlivesClient) return;
    this.#real.onAborted.call(response, () => {
      this.#leaveOpen("aborted");
    });
    this.#expectAnswer();
  }

  writeStatus(status: string): HttpResponse {
    this.#status = status;
    if (this.#isOpen && !this.#options.keepsStatus) this.#real.writeStatus.call(this.#response, status);
    return this.#response;
  }

  writeHeader(name: string, value: string): HttpResponse {
    // With a status it is soketi's `sendJson`, which catches.
    if (this.#state === "aborted" && this.#status === undefined) this.#spare();
    if (!this.#isOpen) return this.#response;
    if (this.#options.keepsStatus) this.#headers.push([name, value]);
    else this.#real.writeHeader.call(this.#response, name, value);
    return this.#response;
  }

  end(body?: string, closes?: boolean): HttpResponse {
    if (!this.#isOpen) return this.#response;
    if (this.#options.outlivesClient) this.#leaveOpen("ended");
    // One packet, wherever soketi is by now: after its first await it is out of its own cork.
    this.#real.cork.call(this.#response, () => {
      if (this.#options.keepsStatus) this.#writeHead();
      this.#real.end.call(this.#response, body, closes);
    });
    return this.#response;
  }

  cork(work: () => void): HttpResponse {
    if (this.#isOpen) this.#real.cork.call(this.#response, work);
    else work();
    return this.#response;
  }

  onData(handler: (piece: ArrayBuffer, isLast: boolean) => void): HttpResponse {
    if (this.#options.hasNoBody) {
      // uWebSockets.js does not tell of its end when the head came in two packets, and closes the connection after 10 s.
      queueMicrotask(() => {
        if (this.#isOpen) handler(new ArrayBuffer(0), true);
      });
      return this.#response;
    }
    const { maxBody, unsigned, onTooLarge, onNoRoom } = this.#options;
    const body = new RequestBody(maxBody);
    let isRead = false;
    const drop = () => {
      body.drop();
      if (isRead) onNoRoom();
    };
    this.#isBodyComing = true;
    this.#real.onData.call(this.#response, (piece, isLast) => {
      if (!this.#isOpen) return;
      body.add(piece);
      if (body.isTooLarge) unsigned.release(this.#response);
      else if (!body.isDropped) unsigned.hold(this.#response, heldOf(body, isLast, drop));
      if (!isLast) return;
      this.#isBodyComing = false;
      this.#expectAnswer();
      // Not before: the end of a connection on which more still comes takes the answer with it.
      if (body.isTooLarge) {
        onTooLarge();
      } else if (body.isDropped) {
        onNoRoom();
      } else {
        isRead = true;
        handler(body.take(), true);
      }
    });
    return this.#response;
  }

  /** Whatever soketi forgets to answer, the client hears something: it would wait for as long as it can. */
  #expectAnswer(): void {
    if (this.#deadline) {
      this.#deadline.refresh();
      return;
    }
    this.#deadline = setTimeout(() => {
      this.#deadline = undefined;
      // uWebSockets.js itself ends a request whose body does not come.
      if (!this.#isBodyComing) this.#options.onUnanswered();
    }, ANSWER_LIMIT_MS);
    this.#deadline.unref();
  }

  #leaveOpen(state: "ended" | "aborted"): void {
    this.#state = state;
    this.#options.unsigned.release(this.#response);
    clearTimeout(this.#deadline);
  }

  get #isOpen(): boolean {
    return this.#state === "open";
  }

  /** Once for each request. */
  #spare(): void {
    if (!this.#isSpared) this.#options.onSpared();
    this.#isSpared = true;
  }

  #writeHead(): void {
    if (this.#status !== undefined) this.#real.writeStatus.call(this.#response, this.#status);
    for (const [name, value] of this.#headers) this.#real.writeHeader.call(this.#response, name, value);
  }
}
