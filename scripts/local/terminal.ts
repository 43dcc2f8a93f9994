/** Text of unknown origin as it may go to a terminal: without control characters, which could rewrite the screen. */
export function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, "\uFFFD");
}
