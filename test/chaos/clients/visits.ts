import { createSocket } from "node:dgram";
import { setTimeout as pause } from "node:timers/promises";
import type { Random } from "../../simulation/random.ts";
import { hostileFrame, textFrame } from "./frames.ts";
import { clientMessage } from "./messages.ts";
import { spoiltText } from "./mutate.ts";
import { RawConnection } from "./raw-connection.ts";
import { hostileRequest } from "./requests.ts";
import type { Tenant } from "./tenants.ts";

export interface Target {
  readonly port: number;
  readonly metricsPort: number;
  /** Where the node hears other nodes. */
  readonly clusterPort: number;
  /** An app that the visitor belongs to; what it knows of it may be wrong. */
  readonly tenant: (random: Random) => Tenant;
  /** Told of what nobody has answered. */
  readonly onUnanswered: (what: string) => void;
}

/** @returns how many inputs it was. */
export type Visit = (target: Target, random: Random) => Promise<number>;

const LINGER_MS = 30;

/** A client connects, well or badly, says things, at any time, and goes, in any way. */
export const visitSocket: Visit = async (target, random) => {
  const tenant = target.tenant(random);
  const connection = new RawConnection(target.port);
  let inputs = 1;
  const say = (count: number) => {
    const socketId = /"socket_id\\?":\\?"([\d.]+)/.exec(connection.received)?.[1] ?? "1.1";
    const frames = Array.from({ length: count }, () =>
      hostileFrame(random, clientMessage(random, tenant, socketId)),
    );
    inputs += count;
    return { bytes: frames.map(({ bytes }) => bytes), ends: frames.some(({ ends }) => ends) };
  };
  const isGoodHandshake = random.chance(0.95);
  // Before the lookup has ended; in the same packet as the handshake, or in the next.
  const early = random.chance(0.3) ? say(random.integer(1, 5)) : { bytes: [], ends: false };
  connection.send(handshake(random, tenant.key, isGoodHandshake), ...(random.chance(0.5) ? early.bytes : []));
  if (random.chance(0.1)) {
    connection.reset();
    return inputs;
  }
  if (!isGoodHandshake) {
    await connection.until(/HTTP\/1.1/, LINGER_MS);
    connection.reset();
    return inputs;
  }
  const opened = await connection.until(/connection_established|pusher:error|^HTTP\/1.1 [45]/);
  // What the node has not read yet when it refuses a client takes the refusal with it: TCP resets the connection.
  const mayBeReset = early.bytes.length > 0 && opened === "closed";
  if (opened !== "said" && !mayBeReset) target.onUnanswered(`a connection (${connection.end})`);
  const more = say(random.integer(1, 15));
  connection.send(...more.bytes);
  if (!early.ends && !more.ends) await alive(connection, target);
  else await connection.until(/nothing/, random.integer(0, LINGER_MS));
  if (random.chance(0.5)) connection.finish();
  // After the close.
  connection.send(...say(random.integer(0, 2)).bytes);
  connection.reset();
  return inputs;
};

/** Whatever it has said: who is not sent away is answered. */
async function alive(connection: RawConnection, { onUnanswered }: Target): Promise<void> {
  connection.send(textFrame('{"event":"pusher:ping","data":{"last":true}}'));
  const answered = await connection.until(/pusher:pong|pusher:error[^}]*"code":4[012]/);
  // One that is closed was sent away: its app has changed.
  if (answered === "late") onUnanswered("a ping");
}

function handshake(random: Random, key: string, isGood: boolean): Buffer {
  const lines = [
    `GET /app/${random.chance(0.1) ? random.pick(["nobody", "", "k".repeat(2_100), "%00", "__proto__", "a/b"]) : key}?protocol=7&client=${random.chance(0.05) ? "%ff".repeat(500) : "js"} HTTP/1.1`,
    "Host: localhost",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
  ];
  if (!isGood)
    lines.splice(random.integer(0, lines.length - 1), random.integer(1, 2), "Sec-WebSocket-Protocol: \u0001");
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`);
}

/** A backend, or somebody, calls the HTTP API: one request, or several in one packet; and may not wait for the answer. */
export const visitHttp: Visit = async (target, random) => {
  const isMetrics = random.chance(0.03);
  const connection = new RawConnection(isMetrics ? target.metricsPort : target.port);
  const requests = Array.from({ length: random.chance(0.8) ? 1 : random.integer(2, 5) }, () =>
    hostileRequest(random, target.tenant(random)),
  );
  const [first] = requests;
  const all = Buffer.concat(requests.map(({ bytes }) => bytes));
  const at = random.chance(0.2) ? random.integer(1, all.length) : all.length;
  connection.send(all.subarray(0, at));
  if (at < all.length) {
    await pause(random.integer(0, 5));
    connection.send(all.subarray(at));
  }
  const end = random.integer(0, 9);
  if (end === 0) await pause(random.integer(0, 20));
  if (end === 1) connection.finish();
  if (end > 1 && first) {
    // uWebSockets.js closes a connection on which more comes while the first request is not answered.
    // On the metrics' port it does so with what has no route.
    const needsAnswer = first.isWhole && requests.length === 1 && !isMetrics;
    const answered = await connection.until(/HTTP\/1\.1 [2-5]/, needsAnswer ? undefined : LINGER_MS);
    if (needsAnswer && answered !== "said") target.onUnanswered(`${first.name} (${connection.end})`);
  }
  connection.reset();
  return requests.length;
};

/** Somebody in the network speaks to the port at which nodes find each other. */
export const visitCluster: Visit = async ({ clusterPort }, random) => {
  const socket = createSocket("udp4");
  const inputs = random.integer(1, 5);
  const channel = random.pick(["cluster-adapter", "cluster-adapter#comms#req", "cluster-adapter#comms#res", "rate_limiter:limiters", "rate_limiter:consume", "hello"]); // prettier-ignore
  const said = { uuid: "x", appId: "tenant-0", channel: "room", data: '{"event":"x"}', requestId: "1", type: 3, opts: { channel: "room" } }; // prettier-ignore
  for (let i = 0; i < inputs; i += 1) {
    const data = random.chance(0.5) ? said : JSON.stringify(said);
    const iid = random.pick(["0f8fad5b-d9cb-469f-a165-70867728950e", "__proto__"]);
    const text = spoiltText(random, { event: channel, pid: "p", iid, hostName: "h", data });
    await new Promise<void>((resolve) => socket.send(text.slice(0, 60_000), clusterPort, "127.0.0.1", () => resolve())); // prettier-ignore
  }
  socket.close();
  return inputs;
};
