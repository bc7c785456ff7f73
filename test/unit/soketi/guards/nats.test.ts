import { describe, expect, it } from "vitest";
import { keepNats } from "../../../../src/soketi/guards/nats.ts";
import type { AdapterDriver, GuardedServer } from "../../../../src/soketi/guards/soketi-parts.ts";

/** soketi's driver, and a connection whose state the test tells. */
async function driverOf(adapter: object, answer: unknown = { data: { total: 3 } }) {
  const sent: string[] = [];
  const told: { type: string }[] = [];
  let tell: () => void = () => undefined;
  const options = { reconnect: false };
  const driver: AdapterDriver = {
    connection: {
      options,
      async *status() {
        for (;;) {
          while (told.length > 0) yield* told.splice(0);
          await new Promise<void>((resolve) => (tell = resolve));
        }
      },
      request: () => Promise.resolve({ data: Buffer.from(JSON.stringify(answer)) }),
    },
    init: () => Promise.resolve(),
    getUserSockets: () => Promise.resolve(new Set()),
    getNumSub: () => Promise.resolve(7),
    broadcastToChannel: (_, data) => sent.push(data),
  };
  keepNats({ options: { adapter } } as unknown as GuardedServer, driver);
  await driver.init();
  const become = async (type: string) => {
    told.push({ type });
    tell();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { driver, options, sent, become };
}

describe("the nats adapter", () => {
  it("counts connections as soketi does, or has what the operator says", async () => {
    expect(await (await driverOf({ driver: "nats" })).driver.getNumSub?.()).toBe(3);
    expect(await (await driverOf({ driver: "nats", nats: { nodesNumber: 7 } })).driver.getNumSub?.()).toBe(7);
    expect(await (await driverOf({ driver: "redis" })).driver.getNumSub?.()).toBe(7);
  });

  it.each([{}, { data: {} }, { data: { total: "3" } }, null])("takes no %j for a number", async (answer) => {
    await expect((await driverOf({ driver: "nats" }, answer)).driver.getNumSub?.()).rejects.toThrow();
  });

  it("asks and sends nothing while NATS is away, and comes back to it", async () => {
    const { driver, options, sent, become } = await driverOf({ driver: "nats", nats: { nodesNumber: 7 } });
    expect(options).toEqual({ reconnect: true, maxReconnectAttempts: -1 });
    await become("disconnect");
    await expect(driver.getNumSub?.()).rejects.toThrow("NATS is away");
    expect(() => driver.broadcastToChannel?.("c", "lost")).toThrow("NATS is away");
    await become("reconnect");
    driver.broadcastToChannel?.("c", "sent");
    expect([sent, await driver.getNumSub?.()]).toEqual([["sent"], 7]);
  });
});
