import { hostname, userInfo } from "node:os";
import type { Command } from "commander";
import { InvalidArgumentError } from "commander";
import type { AppDiff } from "../../app/diff.ts";
import { callerIdentity } from "../../aws/caller-identity.ts";
import type { ToolsConfig } from "../../config/pipeline.ts";
import { encodeChanges } from "../../protocol/encode.ts";
import { isNote, MAX_NOTE } from "../../protocol/message.ts";
import type { Run } from "./command.ts";
import { explain } from "./explain.ts";

/** Who has changed an app, and why: for people who read the log. */
export interface AnnounceOptions {
  readonly by?: string;
  readonly reason?: string;
}

export function addAnnounceOptions(command: Command): Command {
  return addAuthorOption(command).option("--reason <text>", "reason, for the log", note);
}

export function addAuthorOption(command: Command): Command {
  return command.option(
    "--by <name>",
    "author, for the log; by default the AWS caller identity, or the local user",
    note,
  );
}

/** Never rejects: a change does not fail for want of a name. */
export async function whoIs({ by }: AnnounceOptions, config: ToolsConfig): Promise<string> {
  if (by !== undefined) return by;
  // A local DynamoDB takes any credentials: they name nobody.
  const isAws = config.dynamodbEndpoint === undefined;
  const arn = isAws ? await callerIdentity(config.region).catch(() => undefined) : undefined;
  return arn ?? `${userName()}@${hostname()}`;
}

/**
 * Tells the nodes at once that apps have changed; the stream's message comes after it, and is what counts when this fails.
 *
 * @param otherwise what becomes of it without, for people.
 * @returns the id of the last message; undefined when Redis did not take it, which is told.
 */
export async function announce(
  { tools, terminal }: Run,
  differences: readonly AppDiff[],
  { by, reason }: { readonly by: string; readonly reason?: string | undefined },
  otherwise = "the stream will deliver the change",
): Promise<string | undefined> {
  const { table, region } = tools.pipelineConfig;
  try {
    const changes = differences.map(({ app, ...change }) => ({ ...change, key: app?.key }));
    const messages = encodeChanges(changes, {
      table,
      region,
      at: Date.now(),
      by,
      reason,
    });
    return await (await tools.log()).append(messages);
  } catch (error) {
    const why = explain(error, tools.config, tools.redisTrouble());
    terminal.note(`the nodes were not notified directly; ${otherwise}: ${why}`);
    return undefined;
  }
}

/** A user of a container may have no entry: Node throws then. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return process.env.USER ?? "unknown";
  }
}

/** For people who read the log. @throws InvalidArgumentError */
export function note(text: string): string {
  if (isNote(text)) return text;
  throw new InvalidArgumentError(`Expected 1 to ${MAX_NOTE} characters.`);
}
