import type { ServerResponse } from "node:http";

/** Pages that listen: server-sent events. */
export class Streams {
  readonly #open = new Set<ServerResponse>();

  add(response: ServerResponse, first: string): void {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    this.#open.add(response);
    response.on("close", () => this.#open.delete(response));
    response.write(eventOf(first));
  }

  /** A page that has not taken the last one yet, because its machine sleeps, say, gets the next: nothing piles up here. */
  send(state: () => string): void {
    const ready = [...this.#open].filter((response) => !response.writableNeedDrain);
    if (ready.length === 0) return;
    const event = eventOf(state());
    for (const response of ready) response.write(event);
  }

  close(): void {
    for (const response of this.#open) response.end();
  }
}

function eventOf(json: string): string {
  return `data: ${json}\n\n`;
}
