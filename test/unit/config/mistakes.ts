import { ConfigError } from "../../../src/config/errors.ts";

/** What a configuration is refused for. */
export function mistakesOf(read: () => unknown): readonly string[] {
  try {
    read();
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes;
    throw error;
  }
  throw new Error("expected a ConfigError, found none");
}
