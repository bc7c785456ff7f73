import { readFileSync } from "node:fs";
import type { Redis } from "ioredis";

export type AclUser = "pipeline" | "relay" | "agent" | "operator" | "viewer";

/** What the document's lines are for, in their order. */
const PARTS = ["users", "shared cache", "cluster"] as const;
export type AclPart = (typeof PARTS)[number];

const document = readFileSync(new URL("../../docs/reference/redis-users.md", import.meta.url), "utf8");
const blocks = [...document.matchAll(/^```acl\n([^]*?)^```/gm)].map(([, block = ""]) =>
  block.trim().split("\n"),
);

/** `ACL SETUSER …` lines of docs/reference/redis-users.md, for another prefix than the document's. */
export function aclLines(
  part: AclPart,
  names: { readonly prefix: string; readonly keyPrefix?: string },
): string[] {
  const lines = blocks[PARTS.indexOf(part)];
  if (!lines || blocks.length !== PARTS.length) {
    throw new Error(
      `expected ${PARTS.length} blocks of acl in docs/reference/redis-users.md, found ${blocks.length}`,
    );
  }
  return lines.map((line) =>
    line.replaceAll("{app-sync:apps}", names.prefix).replaceAll("~app:", `~${names.keyPrefix ?? ""}app:`),
  );
}

/** As somebody would type them in redis-cli. */
export async function applyAcl(redis: Redis, lines: readonly string[]): Promise<void> {
  for (const line of lines) {
    const [command = "", ...args] = line.split(/\s+/);
    await redis.call(command, ...args);
  }
}

export const nameOf = (user: AclUser) => `app-sync-${user}`;
export const passwordOf = (user: AclUser) => `${user.toUpperCase()}-PASSWORD`;

export function urlOf(user: AclUser, port: number): string {
  return `redis://${nameOf(user)}:${passwordOf(user)}@127.0.0.1:${port}`;
}
