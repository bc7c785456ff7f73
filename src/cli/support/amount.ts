/** `1 node`, `2 nodes`. */
export function amount(count: number, of: string): string {
  return `${count} ${of}${count === 1 ? "" : "s"}`;
}
