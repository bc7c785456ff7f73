import { setTimeout as pause } from "node:timers/promises";
import type { AppsTable } from "../../../local/apps-table.ts";
import type { Random } from "../../simulation/random.ts";
import { CHAOS_APPS, keyOf, newKeyOf, versionAttributes } from "./apps.ts";

/** Who must learn of what is written, once the table has acknowledged it. */
export interface Audience {
  wrote(appId: string, version: number, writtenAt: number): void;
  /** From now on, connecting with this key has this outcome. */
  expect(key: string, outcome: "connected" | number, writtenAt: number): void;
  mustClose(appId: string, writtenAt: number): void;
}

/** Changes the apps at a steady rate until it is told to stop; events that happen once are spread over `spreadMs`. */
export interface Writer {
  readonly changes: number;
  stop(): Promise<void>;
}

interface WriterOptions {
  readonly table: AppsTable;
  readonly random: Random;
  readonly audience: Audience;
  /** Writes a second. */
  readonly rate: number;
  readonly spreadMs: number;
}

export function startWriter({ table, random, audience, rate, spreadMs }: WriterOptions): Writer {
  const writer = { changes: 0 };
  const versions = new Map<string, number>();
  const startedAt = performance.now();
  const events = CHAOS_APPS.filter(({ role }) => role !== "changing")
    .map(({ id, role }) => ({ id, role, at: startedAt + random.between(0, spreadMs) }))
    .sort((a, b) => a.at - b.at);
  const changing = CHAOS_APPS.filter(({ role }) => role === "changing").map(({ id }) => id);
  let stopped = false;

  async function change(appId: string): Promise<void> {
    const version = (versions.get(appId) ?? 1) + 1;
    versions.set(appId, version);
    await table.update(appId, versionAttributes(version));
    audience.wrote(appId, version, performance.now());
  }

  const EVENTS = {
    async disabled(id: string) {
      await table.update(id, { Enabled: { BOOL: false } });
      const at = performance.now();
      audience.expect(keyOf(id), 4003, at);
      audience.mustClose(id, at);
    },
    async enabled(id: string) {
      await table.update(id, { Enabled: { BOOL: true } });
      audience.expect(keyOf(id), "connected", performance.now());
    },
    async "re-keyed"(id: string) {
      await table.update(id, { AppKey: { S: newKeyOf(id) } });
      const at = performance.now();
      audience.expect(keyOf(id), 4001, at);
      audience.expect(newKeyOf(id), "connected", at);
      audience.mustClose(id, at);
    },
    async deleted(id: string) {
      await table.delete(id);
      const at = performance.now();
      audience.expect(keyOf(id), 4001, at);
      audience.mustClose(id, at);
    },
  };

  async function write(): Promise<void> {
    const [event] = events;
    if (event && (event.at <= performance.now() || stopped)) {
      events.shift();
      if (event.role !== "changing") await EVENTS[event.role](event.id);
    } else {
      await change(random.pick(changing));
    }
    writer.changes += 1;
  }

  async function run(): Promise<void> {
    for (let due = startedAt; !stopped || events.length > 0; due += 1_000 / rate) {
      await pause(Math.max(0, due - performance.now()));
      await write();
    }
  }

  const running = run();
  return Object.assign(writer, {
    async stop() {
      stopped = true;
      await running;
    },
  });
}
