/** Crockford's base 32: sorts as its values do. */
const DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const TIME_LENGTH = 10;
const RANDOM_LENGTH = 16;

/**
 * Makes ULIDs of the given times, in milliseconds since the epoch. Those of one millisecond that are made one after the
 * other sort in that order.
 */
export function ulidMaker(): (ms: number) => string {
  let lastMs = -1;
  let tail: number[] = [];
  return (ms) => {
    if (ms === lastMs) increment(tail);
    else tail = randomTail();
    lastMs = ms;
    return timeText(ms) + tail.map((digit) => DIGITS[digit]).join("");
  };
}

/** The lowest ULID of a time: every event from then on is above it. */
export function lowestUlid(ms: number): string {
  return timeText(ms) + "0".repeat(RANDOM_LENGTH);
}

function timeText(ms: number): string {
  let text = "";
  for (let rest = Math.max(0, Math.floor(ms)); text.length < TIME_LENGTH; rest = Math.floor(rest / 32)) {
    text = DIGITS[rest % 32] + text;
  }
  return text;
}

function increment(tail: number[]): void {
  for (let i = tail.length - 1; i >= 0; i--) {
    tail[i] = ((tail[i] as number) + 1) % 32;
    if (tail[i] !== 0) return;
  }
}

function randomTail(): number[] {
  const bytes = new Uint8Array(RANDOM_LENGTH);
  const { crypto } = globalThis as { crypto?: Crypto };
  // Node 18 has none; that an id is not guessed is nobody's concern, that it is not made twice is.
  if (crypto) crypto.getRandomValues(bytes);
  else for (let i = 0; i < RANDOM_LENGTH; i++) bytes[i] = Math.random() * 256;
  // The first digit leaves room to count upwards.
  return Array.from(bytes, (byte, i) => byte % (i === 0 ? 16 : 32));
}
