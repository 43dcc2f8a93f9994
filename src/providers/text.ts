const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/**
 * Cuts a text to a number of code points, with an ellipsis where something is missing, and never in the middle of what
 * people see as one character.
 */
export function cutText(text: string, mostCodePoints: number): string {
  if (codePoints(text) <= mostCodePoints) return text;
  let kept = "";
  let length = 1;
  for (const { segment } of graphemes.segment(text)) {
    length += codePoints(segment);
    if (length > mostCodePoints) break;
    kept += segment;
  }
  return `${kept}…`;
}

function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
