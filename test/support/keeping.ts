import { afterEach } from "vitest";

interface Part {
  stop(): Promise<void>;
}

/** For the file that calls it: `keep(part)` gives the part back, and stops it after the test, the last started first. */
export function keeping(): <T extends Part>(part: T) => T {
  const parts: Part[] = [];
  afterEach(async () => {
    for (const part of parts.splice(0).reverse()) await part.stop();
  });
  return (part) => {
    parts.push(part);
    return part;
  };
}
