import { describe, expect, it, vi } from "vitest";
import { GUARDS } from "../../../../src/config/guards.ts";
import { Guards } from "../../../../src/soketi/guards/guards.ts";
import { type Lookups, possibleOnly } from "../../../../src/soketi/guards/lookups.ts";
import type { HttpResponse } from "../../../../src/soketi/guards/soketi-parts.ts";
import { Turns } from "../../../../src/soketi/guards/turns.ts";
import type { SoketiAppObject } from "../../../../src/soketi/server.ts";
import { realApp } from "../../app/fixtures.ts";
import { idle, open, realSoketi } from "./real-soketi.ts";

const guardsOf = (caught: string[]) =>
  new Guards({ on: new Set(GUARDS), onCaught: (where) => caught.push(where) });

/** A soketi whose lookups find `app`, and before that fail with `error`. */
function withLookups(app: object | null, error?: Error) {
  const find = (_: string, onUnreadable?: (error: unknown) => void) => {
    if (error) onUnreadable?.(error);
    return Promise.resolve(app as SoketiAppObject | null);
  };
  return realSoketi({
    lookup: () => Promise.reject(new Error("expected soketi's own lookup not to be used")),
    lookups: { findById: find, findByKey: find },
  });
}

describe("a client whose app cannot be read", () => {
  it("may come back", async () => {
    const soketi = withLookups(null, new Error("down"));
    const socket = open(soketi);
    await idle();
    expect(socket.ended).toEqual([4100]);
    expect(socket.sent).toEqual([
      {
        event: "pusher:error",
        data: { code: 4100, message: expect.stringContaining("Please reconnect") as string },
      },
    ]);
    // soketi goes on to end it with 4001, which is expected here.
    expect(soketi.caught).toEqual([]);
  });

  it("may not when there is no such app", async () => {
    const socket = open(withLookups(null));
    await idle();
    expect(socket.ended).toEqual([4001]);
  });
});

describe("clients that waited for one read", () => {
  it("go on a few in each turn of the event loop, all of them", async () => {
    let answer: (app: SoketiAppObject) => void = () => undefined;
    const read = new Promise<SoketiAppObject>((resolve) => (answer = resolve));
    const soketi = realSoketi({ lookups: { findById: () => read, findByKey: () => read } });
    for (let i = 0; i < 100; i += 1) open(soketi);
    await idle();
    answer(realApp({ id: "a", key: "k", secret: "s" }) as unknown as SoketiAppObject);
    const entered = [0];
    while (entered.at(-1) !== 100 && entered.length < 100) {
      await new Promise((resolve) => setImmediate(resolve));
      entered.push(soketi.connected());
    }
    const steps = entered.slice(1).map((count, i) => count - (entered[i] ?? 0));
    expect(Math.max(...steps)).toBeLessThanOrEqual(16);
    expect(entered.at(-1)).toBe(100);
  });
});

describe("clients of one key", () => {
  it("wait for one lookup while it is under way, and for another afterwards", async () => {
    const answers: (() => void)[] = [];
    let error: Error | undefined = new Error("down");
    const findByKey: Lookups<SoketiAppObject>["findByKey"] = (_, onUnreadable) =>
      new Promise((resolve) => {
        answers.push(() => {
          if (error) onUnreadable?.(error);
          resolve(null);
        });
      });
    const soketi = realSoketi({ lookups: { findById: findByKey, findByKey } });
    const [first, second, other] = [open(soketi), open(soketi), open(soketi, "other")];
    expect(answers).toHaveLength(2);
    for (const answer of answers) answer();
    await idle();
    await idle();
    expect([first, second, other].map(({ ended }) => ended)).toEqual([[4100], [4100], [4100]]);
    error = undefined;
    const later = open(soketi);
    answers[2]?.();
    await idle();
    await idle();
    expect(later.ended).toEqual([4001]);
  });
});

describe("Turns", () => {
  it("lets one go in each turn of the event loop when each takes long", async () => {
    const clock = vi.spyOn(performance, "now").mockReturnValue(0);
    try {
      const turns = new Turns();
      let gone = 0;
      for (let i = 0; i < 5; i += 1) void turns.pass().then(() => clock.mockReturnValue(5 * (gone += 1)));
      const counts: number[] = [];
      while (gone < 5 && counts.length < 100) {
        await new Promise<void>((resolve) => setImmediate(resolve));
        if (gone > (counts.at(-1) ?? 0)) counts.push(gone);
      }
      expect(counts).toEqual([1, 2, 3, 4, 5]);
    } finally {
      clock.mockRestore();
    }
  });
});

describe("a publisher whose app cannot be read", () => {
  const ask = async (app: object | null, error?: Error) => {
    const { server } = withLookups(app, error);
    const written: string[] = [];
    const response = {
      params: { appId: "a" },
      writeStatus: (status: string) => (written.push(status), response),
      writeHeader: (name: string, value: string) => (written.push(`${name}: ${value}`), response),
      end: (body: string) => (written.push(body), response),
    } as unknown as HttpResponse;
    let isNext = false;
    await server.httpHandler.appMiddleware(response, () => (isNext = true));
    return { written, isNext, app: response.app };
  };

  it("is told to try again, and when", async () => {
    const { written, isNext } = await ask(null, new Error("down"));
    expect(written).toContain("503 Service Unavailable");
    expect(written).toContain("Retry-After: 1");
    expect(JSON.parse(written.at(-1) ?? "")).toMatchObject({ code: 503 });
    expect(isNext).toBe(false);
  });

  it("gets soketi's 404 when there is no such app, and goes on when there is one, wherever it came from", async () => {
    expect((await ask(null)).written).toContain("404 Not Found");
    const app = { id: "a" };
    expect(await ask(app)).toEqual({ written: [], isNext: true, app });
    expect(await ask(app, new Error("down"))).toEqual({ written: [], isNext: true, app });
  });
});

describe("possibleOnly", () => {
  const lookups = () => {
    const asked: string[] = [];
    const caught: string[] = [];
    const find = (name: string) => Promise.resolve(asked.push(name));
    const all: Lookups<number> = { findById: find, findByKey: find };
    return { asked, caught, possible: possibleOnly(all, guardsOf(caught)) };
  };

  it.each(["", "x".repeat(2_049), "é".repeat(1_025), "\u{1f600}".repeat(513)])(
    "asks nobody for %s",
    async (name) => {
      const { asked, caught, possible } = lookups();
      expect([await possible.findById(name), await possible.findByKey(name)]).toEqual([null, null]);
      expect([asked, caught]).toEqual([[], ["lookups", "lookups"]]);
    },
  );

  it.each(["a", "x".repeat(2_048), "é".repeat(1_024), "\u{1f600}".repeat(512)])(
    "asks for %s",
    async (name) => {
      const { asked, caught, possible } = lookups();
      await possible.findById(name);
      await possible.findByKey(name);
      expect([asked, caught]).toEqual([[name, name], []]);
    },
  );
});
