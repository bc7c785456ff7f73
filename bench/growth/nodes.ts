import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";
import { createCrowd } from "../bus/crowd.ts";
import { WAYS } from "../bus/ways.ts";

const SECONDS = 6;
const MESSAGES_PER_SECOND = 20;
const OURS = "soketi-app-sync";

/** What a number of followers costs Redis: with heartbeats alone, and what each message adds. */
export interface NodesFigures {
  readonly nodes: number;
  /** CPU of Redis, microseconds a second. */
  readonly idleCpu: number;
  /** Bytes a second, in and out. */
  readonly idleBytes: number;
  /** Of each message, to all nodes together. */
  readonly messageCpu: number;
  readonly messageBytes: number;
}

export async function measureNodes(port: number, nodes: number): Promise<NodesFigures> {
  const crowd = createCrowd(port, 2);
  const admin = new Redis({ port });
  const publisher = await WAYS[OURS].publisher(port);
  await crowd.start(OURS, nodes);
  crowd.activate(OURS);
  await pause(2_500);
  const idle = await during(admin, () => pause(SECONDS * 1_000));
  const busy = await during(admin, async () => {
    for (let n = 1; n <= SECONDS * MESSAGES_PER_SECOND; n += 1) {
      const heard = crowd.lastHeard(OURS, n);
      const due = pause(1_000 / MESSAGES_PER_SECOND);
      await publisher.publish(n);
      await Promise.all([heard, due]);
    }
  });
  crowd.stop();
  admin.disconnect();
  const perMessage = (figure: "cpu" | "bytes") =>
    (busy[figure] - idle[figure]) / (busy.messages / busy.seconds);
  return {
    nodes,
    idleCpu: idle.cpu,
    idleBytes: idle.bytes,
    messageCpu: perMessage("cpu"),
    messageBytes: perMessage("bytes"),
  };
}

async function during(admin: Redis, work: () => Promise<unknown>) {
  const before = await counters(admin);
  const start = performance.now();
  await work();
  const seconds = (performance.now() - start) / 1_000;
  const after = await counters(admin);
  return {
    seconds,
    messages: SECONDS * MESSAGES_PER_SECOND,
    cpu: (after.cpu - before.cpu) / seconds,
    bytes: (after.bytes - before.bytes) / seconds,
  };
}

async function counters(admin: Redis): Promise<{ cpu: number; bytes: number }> {
  const info = `${await admin.info("cpu")}${await admin.info("stats")}`;
  const read = (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, "m").exec(info)?.[1]);
  return {
    cpu: (read("used_cpu_sys") + read("used_cpu_user")) * 1e6,
    bytes: read("total_net_input_bytes") + read("total_net_output_bytes"),
  };
}
