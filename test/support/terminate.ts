import { expect } from "vitest";
import type { Child } from "../../local/child.ts";

/** Ends a node or a relay as an orchestrator does, which it takes in order. */
export async function terminate({ child }: { readonly child: Child }): Promise<void> {
  child.signal("SIGTERM");
  expect(await child.exited).toBe("ended with exit code 0");
}
