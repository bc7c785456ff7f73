import { createHmac } from "node:crypto";
import type { Random } from "../../simulation/random.ts";
import { spoiltText } from "./mutate.ts";
import type { Tenant } from "./tenants.ts";

const CHANNELS = ["room", "private-room", "presence-room", "cache-room", "private-cache-room", "presence-cache-room", "private-encrypted-room", "#server-to-user-1", "room with spaces", "x".repeat(300)]; // prettier-ignore

/** What a client of Pusher's protocol says, spoilt or whole. Some of it is rightly signed: a tenant may be hostile, too. */
export function clientMessage(random: Random, tenant: Tenant, socketId: string): string {
  return spoiltText(random, validMessage(random, tenant, socketId));
}

function validMessage(random: Random, tenant: Tenant, socketId: string): object {
  const channel = random.pick(CHANNELS);
  switch (random.integer(0, 6)) {
    case 0:
      return { event: "pusher:ping", data: {} };
    case 1:
    case 2:
      return { event: "pusher:subscribe", data: subscription(random, tenant, socketId, channel) };
    case 3:
      return { event: "pusher:unsubscribe", data: { channel } };
    case 4: {
      const user = JSON.stringify({ id: random.pick(["1", "2", 3]), user_info: { name: "n" } });
      return {
        event: "pusher:signin",
        data: { auth: signed(tenant, `${socketId}::user::${user}`), user_data: user },
      };
    }
    case 5:
      return { event: "client-said", channel, data: { number: random.integer(0, 9) } };
    default:
      return { event: random.pick(["pusher:unknown", "", "toString", "client-"]), data: {}, channel };
  }
}

function subscription(random: Random, tenant: Tenant, socketId: string, channel: string): object {
  if (!/^(private|presence)-/.test(channel)) return { channel };
  if (!channel.startsWith("presence-")) return { channel, auth: signed(tenant, `${socketId}:${channel}`) };
  const user = spoiltText(random, { user_id: random.pick(["ann", "bob", 5]), user_info: { name: "n" } });
  return { channel, auth: signed(tenant, `${socketId}:${channel}:${user}`), channel_data: user };
}

function signed({ key, secret }: Tenant, text: string): string {
  return `${key}:${createHmac("sha256", secret).update(text).digest("hex")}`;
}
