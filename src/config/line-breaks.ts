/** A value without the line breaks at its end: they are of the file, or the secret, that it was read from. */
export function withoutLastLineBreaks(text: string): string {
  return text.replace(/[\r\n]+$/, "");
}
