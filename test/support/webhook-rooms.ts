import { connect, type PusherConnection } from "../../local/pusher-client.ts";
import type { SoketiNode } from "../../local/soketi-node.ts";
import { accepts, eventually, type Fleet, item } from "./fleet.ts";
import { startWebhookReceiver } from "./webhook-receiver.ts";

/** What happens in a room: two channels are occupied, one after the other, and a client event comes between. */
export const ROOM_EVENTS = [
  "channel_occupied",
  "channel_occupied",
  "channel_vacated",
  "channel_vacated",
  "client_event",
];

/** Rooms of clients, and a backend that gets the webhooks of all that happens in them. */
export interface WebhookRooms {
  /** A client in the room of a new app with this id. */
  enter(node: SoketiNode, id: string): Promise<PusherConnection>;
  /** Resolves with the names of the events that came, sorted, when they are as many as happen in a room. */
  all(id: string): Promise<readonly string[]>;
  stop(): Promise<void>;
}

export async function startWebhookRooms(fleet: Fleet): Promise<WebhookRooms> {
  const came = new Map<string, string[]>();
  const receiver = await startWebhookReceiver(({ path, events }) => {
    const id = path.slice(1);
    came.set(id, [...(came.get(id) ?? []), ...events.map(({ name }) => name)]);
  });
  return {
    async enter(node, id) {
      const url = `${receiver.url}/${id}`;
      const webhooks = JSON.stringify([{ url, event_types: ROOM_EVENTS }]);
      await fleet.table.put(item(id, { EnableClientMessages: { BOOL: true }, Webhooks: { S: webhooks } }));
      await eventually(`app ${id}`, () => accepts(node, id, `${id}-secret`));
      const connection = await connect({ port: node.port, key: `${id}-key`, secret: () => `${id}-secret` });
      await connection.subscribe("private-room");
      return connection;
    },
    async all(id) {
      const names = () => came.get(id) ?? [];
      await eventually(`all webhooks of ${id}`, () => Promise.resolve(names().length >= ROOM_EVENTS.length));
      return [...names()].sort();
    },
    stop: () => receiver.close(),
  };
}

/** A client event. Resolves when the node has it: messages of one connection are handled in order. */
export async function sayInRoom(connection: PusherConnection): Promise<void> {
  connection.client.send_event("client-said", {}, "private-room");
  await connection.subscribe("private-other");
}
