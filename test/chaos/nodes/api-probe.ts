import { setTimeout as pause } from "node:timers/promises";
import { Random } from "../../simulation/random.ts";
import { CHAOS_APPS } from "./apps.ts";
import { askVersion } from "./requests.ts";
import { Sightings } from "./sightings.ts";

/** Asks one node over its API, all the time, which version of each app it holds; first for those that have changed. */
export interface ApiProbe {
  readonly sightings: ReadonlyMap<string, Sightings>;
  /** Answers that refused an app which always was as it should be. */
  readonly refused: readonly string[];
  readonly asked: number;
  /** The table has acknowledged a version. */
  wrote(appId: string, version: number, writtenAt: number): void;
  stop(): Promise<void>;
}

const CONCURRENCY = 4;
/** Between two questions about an app that has not followed yet, and between those about apps that nothing is awaited of. */
const PAUSE_MS = 5;
const IDLE_PAUSE_MS = 20;

export function startApiProbe(port: number, seed: string): ApiProbe {
  const random = new Random(seed);
  const changing = CHAOS_APPS.filter(({ role }) => role === "changing").map(({ id }) => id);
  const sightings = new Map(changing.map((id) => [id, new Sightings()]));
  const waiting: string[] = [];
  const inFlight = new Set<string>();
  const refused: string[] = [];
  const probe = { asked: 0 };
  let stopped = false;

  async function ask(appId: string): Promise<void> {
    const seen = sightings.get(appId);
    if (!seen || inFlight.has(appId)) return;
    inFlight.add(appId);
    const askedAt = performance.now();
    const answer = await askVersion(port, appId);
    inFlight.delete(appId);
    if (answer !== undefined) probe.asked += 1;
    if (typeof answer === "number") seen.saw(answer, askedAt);
    else if (answer !== undefined) refused.push(`${appId}: ${answer.refused}`);
    if (seen.isPending && !waiting.includes(appId)) waiting.push(appId);
  }

  async function askOn(): Promise<void> {
    while (!stopped) {
      const next = waiting.shift();
      await ask(next ?? random.pick(changing));
      await pause(next === undefined ? IDLE_PAUSE_MS : PAUSE_MS);
    }
  }

  const loops = Array.from({ length: CONCURRENCY }, askOn);
  return Object.assign(probe, {
    sightings,
    refused,
    wrote(appId: string, version: number, writtenAt: number) {
      sightings.get(appId)?.wrote(version, writtenAt);
      if (!waiting.includes(appId)) waiting.unshift(appId);
    },
    async stop() {
      stopped = true;
      await Promise.all(loops);
    },
  });
}
