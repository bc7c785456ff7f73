/** A change to the sources that no unit test notices. */
export interface Survivor {
  readonly file: string;
  readonly from: string;
  readonly to: string;
  /** As Stryker calls the kind of change. */
  readonly mutator: string;
}

/** File, what is changed (its beginning), and why nobody has to notice. The first that fits counts. */
export const REASONS: readonly (readonly [file: string, from: string, why: string])[] = [
  // Follower. What is done twice costs a read; what would be done too late is not among these.
  [
    "agent/log-follower.ts",
    'this.#state === "syncing"',
    "A live message during a sync is acted on at once on either path, and comes again in its turn.",
  ],
  ["agent/log-follower.ts", '"syncing"', "As above."],
  [
    "agent/log-follower.ts",
    "session !== this.#session",
    "Each half alone refuses an answer of an earlier subscription; the lease counts from when it was asked for in any case.",
  ],
  ["agent/log-follower.ts", 'this.#state !== "following"', "As above."],
  [
    "agent/log-follower.ts",
    "this.#syncRunning",
    "Two syncs at a time read the same twice: more work, the same state.",
  ],
  ["agent/log-follower.ts", 'this.#state !== "syncing"', "As above."],
  ["agent/log-follower.ts", "true", "As above: the flag that keeps a second sync away."],
  [
    "agent/missed-messages.ts",
    "!cursor && !last",
    "No log before and none now: the next line says new-epoch, and flushes a cache that holds next to nothing.",
  ],
  [
    "agent/missed-messages.ts",
    "!last || !cursor",
    "Both are there or neither: the epochs, compared before, are not the same otherwise.",
  ],
  ["agent/missed-messages.ts", "!last", "Without a cursor a sync flushes either way."],
  ["agent/missed-messages.ts", "[]", "As above: nothing is in a log that is not there."],
  ["agent/log-follower.ts", "this.#isSyncing()", "The rest after a hole is acted on once more than needed."],
  [
    "agent/missed-messages.ts",
    "cursorThen?.seq",
    "A cursor that came during the heartbeat: without one before, the epochs differ and this is not reached.",
  ],
  // Open connections.
  [
    "agent/closer.ts",
    "closing",
    "A queue in which nothing waits is deleted: only the compiler does not know.",
  ],
  [
    "agent/previous-secret-uses.ts",
    "appId === undefined",
    "Nothing is counted under an id that is undefined.",
  ],
  // Cache.
  ["agent/agent.ts", "false", "A beat sets it before it is read."],
  [
    "agent/app-cache.ts",
    "id === undefined",
    "Nothing is held under an id that is undefined: the next condition is false as well.",
  ],
  ["agent/app-cache.ts", "entry?.app?.key", "Entries without an app are in another map."],
  [
    "agent/app-cache.ts",
    "this.#clock() - readAt",
    "An answer that is too old is read again; when the lease proves it, it need not be. Taken at once on the one path, after another read on the other.",
  ],
  ["agent/single-flight.ts", "{ void: false }", "Undefined is false."],
  ["agent/single-flight.ts", "number > attempts.outdated", "Each read has a number of its own."],
  ["agent/key-index.ts", "true", "It is asked whether the key is there, and not what is there."],
  [
    "agent/app-cache.ts",
    "app !== null",
    "A hint that stays is checked at its next use; one that went costs a question to the index.",
  ],
  ["agent/cache-entries.ts", "{ endedProvenAt: undefined }", "What is absent is read as undefined."],
  ["agent/verifier.ts", "id === undefined", "Nothing is cached under an id that is undefined."],
  // Attributes: guards before guards.
  ["app/attribute.ts", '"\\ufffd"', "The faster decoder is only a shortcut past the strict one."],
  ["app/attribute.ts", '!text.includes("\\ufffd")', "As above."],
  ["app/attribute.ts", "{\n    return undefined;\n  }", "Without a return the function returns undefined."],
  [
    "app/attribute.ts",
    "typeof content",
    "Object.keys of what is no object is empty or throws, and the caller takes that for unreadable.",
  ],
  ["app/attribute.ts", "content === null", "As above."],
  [
    "app/attribute.ts",
    'typeof byte !== "number"',
    "Number.isInteger says the same of anything that is no number.",
  ],
  ["app/cached-app.ts", "[]", "diff looks at no problems, and webhooks that cannot be read are none."],
  [
    "app/diff.ts",
    "before.id === after.id",
    "Two images of one record have one id: it is the key of the table.",
  ],
  [
    "app/normalize-values.ts",
    '"nothing"',
    "describe is asked for what is there: absent values have their default before.",
  ],
  ["app/normalize-values.ts", '""', "Any text that is no number."],
  [
    "app/normalize-webhooks.ts",
    '""',
    "URL throws on an http address without a host: the comparison is for the reader.",
  ],
  [
    "app/read-attribute.ts",
    "list.length > room.left",
    "The very last of 400,000 values, of which an item can hold none.",
  ],
  ["app/read-attribute.ts", "room.left < 0", "As above."],
  ["app/read-attribute.ts", "content.length <= room.left", "As above."],
  [
    "app/read-attribute.ts",
    "Array.isArray(content)",
    "What is no list is not walked through: Array.from of it is empty, and not taken for a list's type.",
  ],
  ["app/read-attribute.ts", '"', "The text of an error that is caught here and shown to nobody."],
  [
    "app/read-attribute.ts",
    "{\n      return undefined;\n    }",
    "Without a return the function returns undefined.",
  ],
  [
    "app/read-attribute.ts",
    "type === undefined",
    "Nothing is under a type that is undefined, and the last line refuses it.",
  ],
  [
    "app/read-attribute.ts",
    'typeof content === "string"',
    "Number of what is no text is refused or is that number: the emulators that send numbers mean them.",
  ],
  ["app/read-attribute.ts", 'type === "NULL"', "Only true is a NULL, and BOOL has been taken before."],
  ["app/read-attribute.ts", "leaf !== undefined", "An element under no type has none, and is refused."],
  [
    "app/repair.ts",
    "[]",
    "The guard has nothing to object to: no repair that changes an app is known. It is there for one that is not.",
  ],
  ["app/repair.ts", "diff(before, after) === undefined", "As above."],
  ["app/repair.ts", "after.problems.length <= before.problems.length", "As above."],
  ["app/repair.ts", 'reading.kind === "text"', "An app has a secret, and a secret is text."],
  ["app/repair.ts", "!parsed", "Webhooks that cannot be parsed are in doubt, and are left alone before."],
  ["app/soketi-number.ts", '""', "Any text without digits."],
  ["app/soketi-number.ts", "type === undefined", "Nothing is under a type that is undefined."],
  [
    "app/soketi-reading.ts",
    "{\n    // So does soketi's App",
    "Without a return the function returns undefined.",
  ],
  ["app/soketi-reading.ts", "default:", "As above."],
  ["app/soketi-reading.ts", "[]", "What has no value has no type that is known either."],
  [
    "app/soketi-reading.ts",
    "types?.includes",
    "What throws is caught, and says the same: to soketi there is no such app.",
  ],
  ["app/spellings.ts", "!hasOthers", "A shortcut: looked for one by one, the other names are not found."],
  [
    "app/spellings.ts",
    'reading.kind !== "text"',
    "What is no text is of another type, or has no text that is an empty value in JSON.",
  ],
  ["app/spellings.ts", "{\n    // A getter", "Without a return the function returns undefined."],
  ["app/webhook-url.ts", "{\n    return false;\n  }", "Without a return the function returns undefined."],
  [
    "protocol/canary.ts",
    "{\n    return undefined;\n  }",
    "What is not read has no number, which the next condition refuses.",
  ],
  [
    "protocol/live.ts",
    "space",
    "An id without a message, or a message without an id: refused by the other condition, or as an id that cannot be read.",
  ],
  ["protocol/node.ts", '""', "Neither is JSON."],
  [
    "protocol/node.ts",
    'typeof value === "object"',
    "What is no object has none of the fields that are asked for next.",
  ],
  ["protocol/node.ts", "value !== null", "As above."],
  ["protocol/node.ts", "{\n    return undefined;\n  }", "Without a return the function returns undefined."],
];

/** Why that is all right; undefined when nobody has said so. */
export function reasonFor(survivor: Survivor): string | undefined {
  return entryFor(survivor)?.[2];
}

/** Reasons of what no longer survives, or no longer stands there: they go. */
export function unusedReasons(survivors: readonly Survivor[]): string[] {
  const used = new Set(survivors.map(entryFor));
  return REASONS.filter((entry) => !used.has(entry)).map(([file, from]) => `${file}: ${from}`);
}

function entryFor({ file, from }: Survivor) {
  return REASONS.find(([where, what]) => file.endsWith(where) && from.startsWith(what));
}
