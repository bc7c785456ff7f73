import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { GuardName } from "../../../../src/config/guards.ts";
import { connected, idle, realSoketi, type TestSocket } from "./real-soketi.ts";

/** Other nodes answer when the test says so: how many members there are, and how many connections. */
function withOtherNodes(on?: readonly GuardName[]) {
  let answer: () => void = () => undefined;
  const isAnswered = new Promise<void>((resolve) => (answer = resolve));
  const soketi = realSoketi({
    on,
    adapter: (local) => {
      const later = (name: string) => {
        const method = (local as unknown as Record<string, (...args: unknown[]) => unknown>)[name];
        return [name, (...args: unknown[]) => isAnswered.then(() => method?.apply(local, args))];
      };
      return Object.fromEntries(["getChannelMembersCount", "getChannelSocketsCount"].map(later)) as object;
    },
  });
  const state = () => {
    const namespace = soketi.adapter.getNamespaces().get("a");
    return { channels: [...(namespace?.channels.keys() ?? [])], webhooks: soketi.webhooks };
  };
  return { soketi, state, answer: () => answer() };
}

function subscribe(socket: TestSocket, channel: string): void {
  const channel_data = '{"user_id":"ann"}';
  const signed = `${socket.id}:${channel}:${channel_data}`;
  const auth = `k:${createHmac("sha256", "s").update(signed).digest("hex")}`;
  socket.say({ event: "pusher:subscribe", data: { channel, channel_data, auth } });
}

function unsubscribe(socket: TestSocket, channel: string): void {
  socket.say({ event: "pusher:unsubscribe", data: { channel } });
}

const isSubscribed = (socket: TestSocket, channel: string) => socket.subscribedChannels?.has(channel);

describe("a client that leaves a channel", () => {
  it.each(["presence-room", "room"])("%s while it joins it is not in it afterwards", async (channel) => {
    const { soketi, state, answer } = withOtherNodes();
    const socket = await connected(soketi);
    subscribe(socket, channel);
    await idle();
    unsubscribe(socket, channel);
    await idle();
    answer();
    await idle();
    await idle();
    expect(isSubscribed(socket, channel)).toBe(false);
    expect(state().channels).toEqual([]);
    const told = state().webhooks.filter((name) => name.startsWith("Channel"));
    expect(told).toEqual(["ChannelOccupied", "ChannelVacated"]);
    const members = state().webhooks.filter((name) => name.startsWith("Member"));
    expect(members).toEqual(channel === "room" ? [] : ["MemberAdded", "MemberRemoved"]);
  });

  it("while it joins it, and joins it again, stays in it", async () => {
    const { soketi, state, answer } = withOtherNodes();
    const socket = await connected(soketi);
    subscribe(socket, "presence-room");
    unsubscribe(socket, "presence-room");
    subscribe(socket, "presence-room");
    await idle();
    answer();
    await idle();
    await idle();
    expect([isSubscribed(socket, "presence-room"), state().channels]).toEqual([true, ["presence-room"]]);
    expect(state().webhooks).not.toContain("ChannelVacated");
    unsubscribe(socket, "presence-room");
    await idle();
    expect([isSubscribed(socket, "presence-room"), state().channels]).toEqual([false, []]);
  });

  it("while it joins it, and closes, is in none", async () => {
    const { soketi, state, answer } = withOtherNodes();
    const socket = await connected(soketi);
    subscribe(socket, "presence-room");
    await idle();
    unsubscribe(socket, "presence-room");
    socket.leave();
    answer();
    await idle();
    await idle();
    expect(state()).toEqual({ channels: [], webhooks: [] });
    expect(soketi.connected()).toBe(0);
  });

  it("that refuses it is in none, and nobody is told", async () => {
    const { soketi, state, answer } = withOtherNodes();
    const socket = await connected(soketi);
    socket.say({ event: "pusher:subscribe", data: { channel: "private-room", auth: "k:0" } });
    unsubscribe(socket, "private-room");
    answer();
    await idle();
    await idle();
    expect(state()).toEqual({ channels: [], webhooks: [] });
  });

  it("that it is not in: nobody is told that it is empty", async () => {
    const { soketi, state, answer } = withOtherNodes();
    answer();
    const socket = await connected(soketi);
    unsubscribe(socket, "never-seen");
    await idle();
    expect(state().webhooks).toEqual([]);
    expect(soketi.caught).toEqual(["connections: a client left a channel that it was not in"]);
  });

  it("stays in it, or has it told to be empty, with soketi alone", async () => {
    const { soketi, state, answer } = withOtherNodes([]);
    const socket = await connected(soketi);
    subscribe(socket, "presence-room");
    await idle();
    unsubscribe(socket, "presence-room");
    await idle();
    answer();
    await idle();
    expect([isSubscribed(socket, "presence-room"), state().channels]).toEqual([true, ["presence-room"]]);
    unsubscribe(socket, "never-seen");
    await idle();
    expect(state().webhooks).toContain("ChannelVacated");
  });
});
