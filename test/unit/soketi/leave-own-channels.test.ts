import { beforeEach, describe, expect, it } from "vitest";
import { nextTurn } from "../../../src/async/next-turn.ts";
import { SoketiInMemory } from "../../support/soketi-in-memory.ts";
import type { SoketiAppObject, SoketiSocket } from "../../../src/soketi/server.ts";

/** What soketi keeps of an app on this node: each channel, and who is in it. */
function channelsOf(soketi: SoketiInMemory): Record<string, string[]> {
  const namespace = soketi.server.adapter?.getNamespaces().get("a") as unknown as {
    channels: Map<string, Set<string>>;
  };
  return Object.fromEntries([...namespace.channels].map(([name, ids]) => [name, [...ids]]));
}

/** With the agent, and as soketi alone has it: both must leave the same. */
describe.each([{ own: true }, { own: false }])(
  "a connection that closes, own channels only: $own",
  ({ own }) => {
    let soketi: SoketiInMemory;
    let app: SoketiAppObject;
    let one: SoketiSocket;
    let other: SoketiSocket;

    beforeEach(async () => {
      soketi = new SoketiInMemory({ own });
      soketi.start();
      app = soketi.app("a");
      one = await soketi.connect(app);
      other = await soketi.connect(app);
      for (const channel of ["shared", "left", "own"]) soketi.subscribe(one, channel);
      for (const channel of ["shared", "theirs"]) soketi.subscribe(other, channel);
      await nextTurn();
    });

    async function close(socket: SoketiSocket): Promise<void> {
      const before = soketi.openOf("a");
      socket.end();
      while (soketi.openOf("a") === before) await nextTurn();
    }

    it("is in no channel any more, and others are", async () => {
      await close(one);
      expect(channelsOf(soketi)).toEqual({ shared: [other.id], theirs: [other.id] });
      expect(soketi.openOf("a")).toBe(1);
    });

    it("that had left one before leaves the rest", async () => {
      await soketi.handler.unsubscribeFromChannel(one, "left");
      expect(Object.keys(channelsOf(soketi))).toEqual(["shared", "own", "theirs"]);
      await close(one);
      expect(Object.keys(channelsOf(soketi))).toEqual(["shared", "theirs"]);
    });

    it("that had left one, and joined it again before other nodes had answered, leaves it", async () => {
      let answer: (count: number) => void = () => undefined;
      const asked = new Promise<number>((resolve) => (answer = resolve));
      Object.assign(soketi.server.adapter ?? {}, { getChannelSocketsCount: () => asked });
      const left = soketi.handler.unsubscribeFromChannel(one, "left");
      soketi.subscribe(one, "left");
      await nextTurn();
      answer(1);
      await left;
      await close(one);
      expect(channelsOf(soketi)).toEqual({ shared: [other.id], theirs: [other.id] });
    });

    it("is taken out of a channel that soketi has forgotten it to be in", async () => {
      // A subscription that is not answered yet is in the channel, and not among what soketi leaves at the end.
      (one as unknown as { subscribedChannels: Set<string> }).subscribedChannels.clear();
      await close(one);
      expect(channelsOf(soketi)).toEqual({ shared: [other.id], theirs: [other.id] });
    });
  },
);
