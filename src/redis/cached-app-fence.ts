/** Beside soketi's own names, so that no sweep takes one for an app. */
const PREFIX = "app-sync-fence:";

/**
 * Where the fences of an entry are: in the entry's own slot, whatever braces there are in its name, so that on a cluster too
 * one script sees both.
 */
export function fencesOf(entry: string): string {
  const tag = hashTagOf(entry);
  if (tag !== undefined) return `${PREFIX}{${tag}}${entry}`;
  if (!entry.includes("}")) return `${PREFIX}{${entry}}`;
  return `${PREFIX}{${tagOfSlot(slotOf(entry))}}${entry}`;
}

/** What a cluster hashes instead of the whole name. */
function hashTagOf(name: string): string | undefined {
  return /^[^{]*\{([^}]+)\}/s.exec(name)?.[1];
}

/** The whole of such a name is hashed, and it cannot stand in braces: another text of the same slot does. */
function tagOfSlot(slot: number): string {
  let number = 0;
  while (slotOf(String(number)) !== slot) number += 1;
  return String(number);
}

/** Of a text that is hashed as a whole: CRC16 as XMODEM has it, in 16,384 slots (redis.io/docs, cluster specification). */
function slotOf(text: string): number {
  let crc = 0;
  for (const byte of Buffer.from(text)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  }
  return crc & 0x3fff;
}
