/** Control characters, line breaks of every kind, and what turns the direction of what follows. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** An id within a sentence. Whoever writes the table chooses it: it must not look like another line of ours. */
export function inLine(appId: string): string {
  return appId.replace(UNSEEN, "\ufffd");
}

/** An id as an argument of a command that is recommended: it is copied into a shell. Options have to come before it. */
export function asArgument(appId: string): string {
  if (/^[\w.:@/+][\w.:@/+-]*$/.test(appId)) return appId;
  const isHidden = appId.search(UNSEEN) >= 0;
  const quoted = isHidden ? `$'${escaped(appId)}'` : `'${appId.replaceAll("'", String.raw`'\''`)}'`;
  return appId.startsWith("-") ? `-- ${quoted}` : quoted;
}

/** As bash, zsh and ksh read it between `$'` and `'`. */
function escaped(text: string): string {
  const byte = (one: number) => `\\x${one.toString(16).padStart(2, "0")}`;
  return text
    .replace(/[\\']/g, String.raw`\$&`)
    .replace(UNSEEN, (found) => [...Buffer.from(found)].map(byte).join(""));
}
