/** `1 node`, `2 nodes`. */
export function amount(count: number, of: string, ofMany = `${of}s`): string {
  return `${count} ${count === 1 ? of : ofMany}`;
}
