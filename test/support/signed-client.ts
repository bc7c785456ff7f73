import { createHmac } from "node:crypto";
import { eventually } from "./fleet.ts";
import { openRaw } from "./raw-web-socket.ts";

/** A client whose every request for authorization says with which secret it is signed. */
export interface SignedClient {
  /** Whether the server lets it subscribe, to a channel that was not asked for before. */
  subscribes(channel: string, secret: string): Promise<boolean>;
  /** Whether the server lets it sign in. A refusal closes the connection. */
  signsIn(secret: string): Promise<boolean>;
  /** soketi closes a client that has been silent for two minutes. */
  ping(): void;
  readonly isClosed: () => boolean;
  close(): void;
}

const sign = (secret: string, text: string) => createHmac("sha256", secret).update(text).digest("hex");

/** By hand: no library encrypts in Node, and each remembers what it has been authorized for. */
export async function openSigned(port: number, key: string): Promise<SignedClient> {
  const { socket, received, says, send } = openRaw(port, key);
  let isClosed = false;
  socket.once("close", () => (isClosed = true));
  await says("connection_established");
  const socketId = /socket_id\W+(\d+\.\d+)/.exec(received())?.[1] ?? "";
  /** Which of two answers comes next. */
  const either = async (what: string, yes: RegExp, no: RegExp): Promise<boolean> => {
    const from = received().length;
    const fresh = () => received().slice(from);
    await eventually(what, () => Promise.resolve(yes.test(fresh()) || no.test(fresh()) || isClosed), 30_000);
    return yes.test(fresh());
  };
  return {
    async subscribes(channel, secret) {
      const channelData = channel.startsWith("presence-") ? JSON.stringify({ user_id: socketId }) : undefined;
      const signed = [socketId, channel, ...(channelData === undefined ? [] : [channelData])].join(":");
      const data = { channel, auth: `${key}:${sign(secret, signed)}`, channel_data: channelData };
      const answer = either(
        `an answer about ${channel}`,
        new RegExp(`subscription_succeeded.*${channel}`),
        new RegExp(`subscription_error.*${channel}`),
      );
      send(JSON.stringify({ event: "pusher:subscribe", data }));
      return answer;
    },
    signsIn(secret) {
      const userData = JSON.stringify({ id: `user-${socketId}` });
      const auth = `${key}:${sign(secret, `${socketId}::user::${userData}`)}`;
      const answer = either("an answer to the sign-in", /signin_success/, /pusher:error/);
      send(JSON.stringify({ event: "pusher:signin", data: { auth, user_data: userData } }));
      return answer;
    },
    ping: () => send(JSON.stringify({ event: "pusher:ping", data: {} })),
    isClosed: () => isClosed,
    close: () => void socket.destroy(),
  };
}
