import type { Item } from "../../../local/apps-table.ts";
import { item } from "../../support/fleet.ts";

/** What becomes of an app during a run. All but `changing` have one event, at a random time, and stay as they are then. */
export type Role = "changing" | "disabled" | "enabled" | "re-keyed" | "deleted";

export interface ChaosApp {
  readonly id: string;
  readonly role: Role;
  /** Whether a client of it is open on each node, from the start. */
  readonly hasClients: boolean;
}

const ROLES: readonly { role: Role; count: number; withClients: number }[] = [
  { role: "changing", count: 150, withClients: 20 },
  { role: "disabled", count: 20, withClients: 20 },
  { role: "enabled", count: 10, withClients: 0 },
  { role: "re-keyed", count: 10, withClients: 10 },
  { role: "deleted", count: 10, withClients: 10 },
];

/** The 200 apps of a run. */
export const CHAOS_APPS: readonly ChaosApp[] = ROLES.flatMap(({ role, count, withClients }) =>
  Array.from({ length: count }, (_, i) => ({ id: `${role}-${i}`, role, hasClients: i < withClients })),
);

/**
 * An app's version travels as a limit, because a node tells that limit to anybody who goes past it: one request says what
 * the node holds, exactly. 1 kB / 100,000 for each version, so that any payload of 2 kB is too large.
 */
export function versionAttributes(version: number): Item {
  return { MaxEventPayloadInKb: { N: (version / VERSIONS_PER_KB).toFixed(5) } };
}

export const VERSIONS_PER_KB = 100_000;

/** As it is when the run begins: version 1. */
export function firstItem({ id, role }: ChaosApp): Item {
  return item(id, { ...versionAttributes(1), Enabled: { BOOL: role !== "enabled" } });
}

export const keyOf = (id: string): string => `${id}-key`;
export const newKeyOf = (id: string): string => `${id}-key-2`;
