/** The soketi versions that the agent's hooks were read off and tested with, as people write them. */
export const KNOWN_SOKETI = "1.6.x";

export function isKnownSoketi(version: string): boolean {
  return version.startsWith("1.6.");
}
