import { createConnection, type Socket } from "node:net";
import { within } from "../../src/async/within.ts";

/** A WebSocket written by hand, which sends what no library would. */
export interface RawWebSocket {
  readonly socket: Socket;
  /** All that the server has sent so far, with its framing. */
  readonly received: () => string;
  /** Resolves when the server has sent this; rejects when it has not in time. */
  readonly says: (words: string) => Promise<void>;
  /** One packet. */
  readonly send: (...texts: string[]) => void;
}

const LIMIT_MS = 30_000;

export function openRaw(port: number, key: string): RawWebSocket {
  const socket = createConnection({ host: "127.0.0.1", port, noDelay: true });
  let received = "";
  let look: () => void = () => undefined;
  socket.on("data", (chunk: Buffer) => {
    received += chunk.toString("latin1");
    look();
  });
  // A server that closes the connection is what some tests are about.
  socket.on("error", () => undefined);
  const handshake = [
    `GET /app/${key} HTTP/1.1`,
    "Host: 127.0.0.1",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
    "\r\n",
  ].join("\r\n");
  socket.write(handshake);
  return {
    socket,
    received: () => received,
    says(words) {
      const said = new Promise<void>((resolve) => {
        look = () => {
          if (received.includes(words)) resolve();
        };
        look();
      });
      return within(LIMIT_MS, `the server to say ${words}`, said);
    },
    send: (...texts) => void socket.write(Buffer.concat(texts.map(frame))),
  };
}

/** A text frame of a client; the mask is all zeros, so that the payload is itself. */
function frame(text: string): Buffer {
  const payload = Buffer.from(text);
  const { length } = payload;
  const extended = Buffer.alloc(length < 126 ? 0 : length < 65_536 ? 2 : 8);
  if (extended.length === 2) extended.writeUInt16BE(length);
  if (extended.length === 8) extended.writeBigUInt64BE(BigInt(length));
  const short = length < 126 ? length : extended.length === 2 ? 126 : 127;
  return Buffer.concat([Buffer.from([0x81, 0x80 | short]), extended, Buffer.alloc(4), payload]);
}
