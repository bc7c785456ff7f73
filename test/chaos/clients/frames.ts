import type { Random } from "../../simulation/random.ts";

const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const CODES = [1000, 1001, 1005, 4001, 4100, 4200, 4201, 5000, 0];

export interface Frame {
  readonly bytes: Buffer;
  /** Whether the server may end the connection for it, or is told to. */
  readonly ends: boolean;
}

interface Shape {
  readonly opcode: number;
  readonly first?: number;
  readonly isMasked?: boolean;
  /** Of the payload; what is claimed, if it is not what is there. */
  readonly length?: number;
}

/** A whole text frame. */
export function textFrame(text: string): Buffer {
  return frame(Buffer.from(text), { opcode: TEXT });
}

/** A message as a frame, or as frames, as they should be or as nobody would send them. */
export function hostileFrame(random: Random, text: string): Frame {
  const payload = Buffer.from(text);
  const kind = random.integer(0, 29);
  switch (kind) {
    case 0:
      return { bytes: frame(payload, { opcode: BINARY }), ends: false };
    case 1: {
      const half = payload.length >> 1;
      const first = frame(payload.subarray(0, half), { opcode: TEXT, first: TEXT });
      return { bytes: Buffer.concat([first, frame(payload.subarray(half), { opcode: 0 })]), ends: false };
    }
    case 2:
      // Never finished.
      return { bytes: frame(payload, { opcode: TEXT, first: TEXT }), ends: true };
    case 3:
      return { bytes: frame(payload.subarray(0, 100), { opcode: PING }), ends: false };
    case 4: {
      const code = Buffer.alloc(2);
      code.writeUInt16BE(random.pick(CODES));
      return { bytes: frame(code, { opcode: CLOSE }), ends: true };
    }
    case 5:
      return { bytes: frame(Buffer.alloc(random.integer(0, 1)), { opcode: CLOSE }), ends: true };
    case 6:
      return { bytes: frame(payload, { opcode: TEXT, isMasked: false }), ends: true };
    case 7:
      return { bytes: frame(payload, { opcode: random.integer(3, 15) }), ends: true };
    case 8:
      return { bytes: frame(payload, { opcode: TEXT, first: 0xf0 | TEXT }), ends: true };
    case 9:
      // Half of it.
      return { bytes: frame(payload, { opcode: TEXT, length: payload.length + 1_000 }), ends: true };
    case 10:
      return { bytes: frame(payload, { opcode: TEXT, length: 2 ** 40 }), ends: true };
    case 11:
      return { bytes: frame(Buffer.from([0xff, 0xfe, 0xc0]), { opcode: TEXT }), ends: true };
    default:
      return { bytes: textFrame(text), ends: false };
  }
}

/** The mask is all zeros, so that the payload is itself. */
function frame(
  payload: Buffer,
  { opcode, first = 0x80 | opcode, isMasked = true, length = payload.length }: Shape,
): Buffer {
  const extended = Buffer.alloc(length < 126 ? 0 : length < 65_536 ? 2 : 8);
  if (extended.length === 2) extended.writeUInt16BE(length);
  if (extended.length === 8) extended.writeBigUInt64BE(BigInt(length));
  const short = length < 126 ? length : extended.length === 2 ? 126 : 127;
  const mask = Buffer.alloc(isMasked ? 4 : 0);
  return Buffer.concat([Buffer.from([first, (isMasked ? 0x80 : 0) | short]), extended, mask, payload]);
}
