import { randomBytes } from "node:crypto";

/** 160 random bits in 40 characters that need no quoting anywhere. */
export function newSecret(): string {
  return randomBytes(20).toString("hex");
}

/** Public, and looked up: half of that is enough to be unlike any other. */
export function newKey(): string {
  return randomBytes(10).toString("hex");
}
