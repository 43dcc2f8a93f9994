/** The longest message that the server takes, in bytes of UTF-8. */
const MOST_BYTES = 65_536;
const ELLIPSIS = "…";
const ELLIPSIS_BYTES = 3;

/** A message as the server takes it: well-formed, without NUL, not too long, and not empty. */
export function mended(message: unknown): string {
  const text = textOf(message).replace(/[\0\p{Surrogate}]/gu, "\ufffd");
  if (text === "") return " ";
  const encoder = new TextEncoder();
  // No character has more than three bytes for each of its units.
  if (text.length * 3 <= MOST_BYTES || encoder.encode(text).byteLength <= MOST_BYTES) return text;
  const { read } = encoder.encodeInto(text, new Uint8Array(MOST_BYTES - ELLIPSIS_BYTES));
  return text.slice(0, read) + ELLIPSIS;
}

/** Whatever was given, as text: a program in JavaScript may give anything. */
export function textOf(message: unknown): string {
  if (typeof message === "string") return message;
  try {
    return String(message);
  } catch {
    return "?";
  }
}
