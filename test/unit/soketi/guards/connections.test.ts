import { createHmac } from "node:crypto";
import { describe, expect, it, vi } from "vitest";
import { connected, idle, open, realSoketi } from "./real-soketi.ts";

/** A lookup that ends when the test says so. */
function pending() {
  let end: (app: object | null) => void = () => undefined;
  let fail: (error: Error) => void = () => undefined;
  const lookup = () =>
    new Promise<object | null>((resolve, reject) => {
      end = resolve;
      fail = reject;
    });
  return { lookup, end: (app: object | null) => end(app), fail: () => fail(new Error("the table is away")) };
}

const enabled = { id: "a", key: "k", enabled: true, maxConnections: -1, forWebSocket: () => enabled };

describe("a client that leaves while its app is looked up", () => {
  it.each([
    ["there is none", null],
    ["it is disabled", { ...enabled, forWebSocket: () => ({ ...enabled, enabled: false }) }],
    ["it is full", { ...enabled, forWebSocket: () => ({ ...enabled, maxConnections: 0.5 }) }],
  ])("and %s: is not ended again, which would throw", async (_, app) => {
    const { lookup, end } = pending();
    const soketi = realSoketi({ lookup });
    const socket = open(soketi);
    socket.leave();
    await idle();
    end(app);
    await idle();
    expect(socket.ended).toEqual([]);
    expect(soketi.connected()).toBe(0);
  });

  it("and it is there: is neither entered nor counted, which nobody would undo", async () => {
    const { lookup, end } = pending();
    const soketi = realSoketi({ lookup });
    const socket = open(soketi);
    socket.leave();
    await idle();
    end(enabled);
    await idle();
    expect(soketi.adapter.getNamespaces().get("a")?.sockets.size ?? 0).toBe(0);
    expect(soketi.connected()).toBe(0);
  });

  it("soketi alone enters and counts it", async () => {
    const { lookup, end } = pending();
    const soketi = realSoketi({ lookup, on: [] });
    open(soketi).leave();
    await idle();
    end(enabled);
    await idle();
    expect(soketi.adapter.getNamespaces().get("a")?.sockets.size).toBe(1);
    expect(soketi.connected()).toBe(1);
  });
});

describe("a connection", () => {
  it("whose lookup fails may come back, and is not ended twice", async () => {
    const { lookup, fail } = pending();
    const soketi = realSoketi({ lookup });
    const socket = open(soketi);
    fail();
    await idle();
    expect(socket.ended).toEqual([4100]);
    expect(soketi.caught).toEqual(["connections: the lookup of a connection's app"]);
  });

  it.each([1000, 1006, 4000, 4200])("that its client closes with %i is gone", async (code) => {
    const soketi = realSoketi();
    const socket = await connected(soketi);
    socket.say({ event: "pusher:subscribe", data: { channel: "room" } });
    await idle();
    expect(soketi.connected()).toBe(1);
    socket.leave(code);
    await idle();
    const namespace = soketi.adapter.getNamespaces().get("a");
    expect([namespace?.sockets.size, namespace?.channels.size, soketi.connected()]).toEqual([0, 0, 0]);
    expect(soketi.webhooks).toEqual(["ChannelOccupied", "ChannelVacated"]);
  });

  it("that closes before it has signed in is not waited for, and not ended again", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const soketi = realSoketi({ app: { enableUserAuthentication: true } });
      const [gone, silent] = [await connected(soketi), await connected(soketi)];
      gone.leave();
      vi.advanceTimersByTime(30_000);
      expect([gone.ended, silent.ended, soketi.caught]).toEqual([[], [4009], []]);
    } finally {
      vi.useRealTimers();
    }
  });

  it("that its client closes with 4200 stays for ever with soketi alone", async () => {
    const soketi = realSoketi({ on: [] });
    const socket = await connected(soketi);
    socket.leave(4200);
    await idle();
    expect(soketi.adapter.getNamespaces().get("a")?.sockets.size).toBe(1);
  });

  it("that soketi itself closes while it stops is left to it", async () => {
    const soketi = realSoketi();
    const socket = await connected(soketi);
    soketi.server.closing = true;
    socket.leave(4200);
    await idle();
    expect(soketi.connected()).toBe(1);
  });

  it("that closes while it joins a channel is not in it, and nobody is told that it joined", async () => {
    let join: () => void = () => undefined;
    const isAsked = new Promise<void>((resolve) => (join = resolve));
    const soketi = realSoketi({
      adapter: (local) => {
        const add = local.addToChannel.bind(local);
        return { addToChannel: async (...args: Parameters<typeof add>) => isAsked.then(() => add(...args)) };
      },
    });
    const socket = await connected(soketi);
    socket.say({ event: "pusher:subscribe", data: { channel: "room" } });
    await idle();
    socket.leave();
    join();
    await idle();
    expect(soketi.adapter.getNamespaces().get("a")?.sockets.size).toBe(0);
    expect(soketi.webhooks).toEqual([]);
  });

  it("that closes while it joins a channel, as the first, leaves telling of it to who came meanwhile", async () => {
    let join: () => void = () => undefined;
    const isAnswered = new Promise<void>((resolve) => (join = resolve));
    let asked = 0;
    const soketi = realSoketi({
      adapter: (local) => {
        const add = local.addToChannel.bind(local);
        // Joined here; how many there are, other nodes are asked.
        return {
          async addToChannel(...args: Parameters<typeof add>) {
            asked += 1;
            const isFirst = asked === 1;
            const count = await add(...args);
            if (isFirst) await isAnswered;
            return count;
          },
        };
      },
    });
    const [first, second] = [await connected(soketi), await connected(soketi)];
    const subscribe = { event: "pusher:subscribe", data: { channel: "room" } };
    first.say(subscribe);
    await idle();
    second.say(subscribe);
    await idle();
    expect(soketi.webhooks).toEqual([]);
    first.leave();
    join();
    await idle();
    expect(soketi.webhooks).toEqual(["ChannelOccupied"]);
    second.leave();
    await idle();
    expect(soketi.webhooks).toEqual(["ChannelOccupied", "ChannelVacated"]);
  });

  /** A member of a presence channel, while other nodes are asked who else is: it leaves in this way meanwhile. */
  async function leavesBeforeAnnounced(how: "close" | "unsubscribe" | "stay", on?: []) {
    let answer: () => void = () => undefined;
    const isAnswered = new Promise<void>((resolve) => (answer = resolve));
    const sent: string[] = [];
    const soketi = realSoketi({
      on,
      adapter: (local) => {
        const { getChannelMembers } = local as unknown as Record<string, (...args: unknown[]) => unknown>;
        return {
          getChannelMembers: (...args: unknown[]) =>
            isAnswered.then(() => getChannelMembers?.apply(local, args)),
          send: (_appId: string, _channel: string, data: string) =>
            void sent.push((JSON.parse(data) as { event: string }).event),
        };
      },
    });
    const socket = await connected(soketi);
    const [channel, channel_data] = ["presence-room", '{"user_id":"ann"}'];
    const signature = createHmac("sha256", "s")
      .update(`${socket.id}:${channel}:${channel_data}`)
      .digest("hex");
    socket.say({ event: "pusher:subscribe", data: { channel, channel_data, auth: `k:${signature}` } });
    await idle();
    if (how === "close") socket.leave();
    if (how === "unsubscribe") socket.say({ event: "pusher:unsubscribe", data: { channel } });
    await idle();
    answer();
    await idle();
    return { webhooks: soketi.webhooks, caught: soketi.caught, sent };
  }

  it.each(["close", "unsubscribe"] as const)(
    "that leaves a presence channel (%s) while other nodes are asked who is there is not announced",
    async (how) => {
      const { webhooks, sent, caught } = await leavesBeforeAnnounced(how);
      expect([webhooks, sent]).toEqual([["ChannelOccupied", "ChannelVacated"], []]);
      expect(caught).toEqual(["connections: a member that had left was to be announced"]);
    },
  );

  it("that stays in a presence channel is announced", async () => {
    const { webhooks, sent, caught } = await leavesBeforeAnnounced("stay");
    expect([webhooks, sent]).toEqual([["ChannelOccupied", "MemberAdded"], ["pusher_internal:member_added"]]);
    expect(caught).toEqual([]);
  });

  it("that has left stays a member for ever with soketi alone", async () => {
    const { webhooks, sent } = await leavesBeforeAnnounced("close", []);
    expect([webhooks.at(-1), sent]).toEqual(["MemberAdded", ["pusher_internal:member_added"]]);
  });

  it("whose way out of a channel fails is removed all the same", async () => {
    const soketi = realSoketi({
      adapter: () => ({ removeFromChannel: () => Promise.reject(new Error("away")) }),
    });
    const socket = await connected(soketi);
    socket.say({ event: "pusher:subscribe", data: { channel: "room" } });
    await idle();
    socket.leave();
    await idle();
    expect(soketi.adapter.getNamespaces().get("a")?.sockets.size).toBe(0);
    expect(soketi.connected()).toBe(0);
  });
});

describe("a user's connections", () => {
  const signedIn = async (on?: []) => {
    const soketi = realSoketi({ on });
    const socket = await connected(soketi);
    const signIn = (id: string) => {
      Object.assign(socket, { user: { id } });
      return soketi.adapter.addUser(socket);
    };
    await signIn("ann");
    await signIn("ann");
    await signIn("bob");
    return { soketi, socket, users: () => soketi.adapter.getNamespaces().get("a")?.users, signIn };
  };

  it("are those of the user that it signed in as last, and none after its close", async () => {
    const { socket, users, signIn } = await signedIn();
    expect([...(users()?.keys() ?? [])]).toEqual(["bob"]);
    socket.leave();
    await idle();
    expect(users()?.size).toBe(0);
    await signIn("ann");
    expect(users()?.size).toBe(0);
  });

  it("stay with the first one with soketi alone", async () => {
    const { socket, users } = await signedIn([]);
    socket.leave();
    await idle();
    expect([...(users()?.keys() ?? [])]).toEqual(["ann"]);
  });

  it("that are gone get no event", async () => {
    const { soketi } = await signedIn();
    soketi.adapter
      .getNamespaces()
      .get("a")
      ?.users.set("ghost", new Set(["1.2"]));
    const sockets = await soketi.adapter.driver?.getUserSockets("a", "ghost");
    expect(sockets).toEqual(new Set());
    expect(soketi.caught).toEqual(["drivers: an event for a user whose connection has gone"]);
  });
});
