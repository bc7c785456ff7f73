import { setTimeout as pause } from "node:timers/promises";
import PusherServer from "pusher";
import { type PusherConnection, connect } from "../../../local/pusher-client.ts";
import type { AppsTable } from "../../../local/apps-table.ts";
import { item } from "../../support/fleet.ts";

export const CALM = { id: "calm", key: "calm-key", secret: "calm-secret" };

/** Between two messages. Milliseconds. */
const EVERY_MS = 50;
/** How long the last ones may be on their way. Milliseconds. */
const LAST_MS = 20_000;

/** What was seen by those who only want to work. */
export interface CalmOutcome {
  readonly sent: number;
  readonly lost: number;
  readonly twice: number;
  /** Connections that were lost, publishes that were refused; in words. */
  readonly disturbed: readonly string[];
}

/** Two clients and a backend of an app that nobody changes: they send all the time, and count what arrives. */
export class CalmClients {
  readonly #speaker: PusherConnection;
  readonly #listener: PusherConnection;
  readonly #backend: PusherServer;
  readonly #stop = new AbortController();
  readonly #heard = new Map<string, number>();
  readonly #sent = new Set<string>();
  readonly #disturbed: string[] = [];
  readonly #working: Promise<unknown>;

  static create(table: AppsTable): Promise<void> {
    return table.put(item(CALM.id, { EnableClientMessages: { BOOL: true } }));
  }

  static async start(port: number): Promise<CalmClients> {
    const options = { port, key: CALM.key, secret: () => CALM.secret };
    const [speaker, listener] = [await connect(options), await connect(options)];
    await speaker.subscribe("private-calm");
    const said = await listener.subscribe("private-calm");
    const news = await listener.subscribe("calm");
    return new CalmClients(port, { speaker, listener }, [said, news]);
  }

  private constructor(
    port: number,
    { speaker, listener }: { speaker: PusherConnection; listener: PusherConnection },
    channels: readonly Awaited<ReturnType<PusherConnection["subscribe"]>>[],
  ) {
    this.#speaker = speaker;
    this.#listener = listener;
    this.#backend = new PusherServer({ appId: CALM.id, key: CALM.key, secret: CALM.secret, host: "127.0.0.1", port: String(port), useTLS: false }); // prettier-ignore
    for (const [name, { client }] of Object.entries({ speaker, listener })) {
      client.connection.bind("state_change", ({ current }: { current: string }) => {
        if (!this.#stop.signal.aborted) this.#disturbed.push(`the ${name} is ${current}`);
      });
      client.bind("pusher:error", (error: unknown) =>
        this.#disturbed.push(`the ${name}: ${JSON.stringify(error)}`),
      );
    }
    for (const channel of channels)
      for (const event of ["client-said", "news"])
        channel.bind(event, ({ name }: { name: string }) => {
          this.#heard.set(name, (this.#heard.get(name) ?? 0) + 1);
        });
    this.#working = Promise.all([this.#speak(), this.#publish()]);
  }

  get sent(): number {
    return this.#sent.size;
  }

  /** Resolves when all that was sent has arrived, or will not. @param limitMs how long the last ones may take. */
  async finish(limitMs = LAST_MS): Promise<CalmOutcome> {
    this.#stop.abort();
    await this.#working;
    const missing = () => [...this.#sent].filter((name) => !this.#heard.has(name));
    for (const until = Date.now() + limitMs; missing().length > 0 && Date.now() < until;) await pause(50);
    this.#speaker.disconnect();
    this.#listener.disconnect();
    const lost = missing();
    return {
      sent: this.#sent.size,
      lost: lost.length,
      twice: [...this.#heard.values()].filter((times) => times > 1).length,
      disturbed: [...this.#disturbed, ...lost.slice(0, 3).map((name) => `lost: ${name}`)],
    };
  }

  async #speak(): Promise<void> {
    for (let i = 0; !this.#stop.signal.aborted; i += 1) {
      const name = `said ${i}`;
      this.#sent.add(name);
      if (!this.#speaker.client.send_event("client-said", { name }, "private-calm"))
        this.#disturbed.push("a client event could not be sent");
      await pause(EVERY_MS);
    }
  }

  async #publish(): Promise<void> {
    for (let i = 0; !this.#stop.signal.aborted; i += 1) {
      const name = `published ${i}`;
      try {
        await this.#backend.trigger("calm", "news", { name });
        this.#sent.add(name);
      } catch (error) {
        this.#disturbed.push(`a publish failed: ${String(error).slice(0, 200)}`);
      }
      await pause(EVERY_MS);
    }
  }
}
