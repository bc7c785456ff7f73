import { vi } from "vitest";

/**
 * Waits until the assertion holds, as `vi.waitFor` does, which gives up after one second: a busy machine may need more for
 * anything. What never holds ends with the test's own limit.
 */
export const waitFor = (assertion: () => void): Promise<void> => vi.waitFor(assertion, { timeout: 300_000 });
