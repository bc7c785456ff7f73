/** The soketi versions that the agent's hooks were read off and are tested with, as people write them. */
export const KNOWN_SOKETI = "1.4.x to 1.6.x";

export function isKnownSoketi(version: string): boolean {
  return /^1\.[456]\./.test(version);
}
