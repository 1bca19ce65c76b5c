/** One line to whoever watches; standard output is for what was asked for only. */
export function tell(text: string): void {
  console.error(`tailwire: ${text}`);
}
