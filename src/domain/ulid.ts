/** Crockford's base 32: sorts as its values do. */
export const CROCKFORD_32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/** How many characters of an id are its time. */
export const TIME_LENGTH = 10;
const RANDOM_LENGTH = 16;
const RANDOM_BITS = 80n;
/** The latest time that 48 bits hold. */
const LATEST_MS = 2 ** 48 - 1;

/** Fills an array with random bytes, as `crypto.getRandomValues` does. */
export type RandomBytes = (length: number) => Uint8Array;

/** Random bytes from the runtime's cryptographic source. */
export const cryptoRandom: RandomBytes = (length) => crypto.getRandomValues(new Uint8Array(length));

/** A new ULID of the given time. */
export function ulid(ms: number, random: RandomBytes = cryptoRandom): string {
  return ulids(ms, 1, random)[0] as string;
}

/**
 * New ULIDs of one time that sort in their order. Only within the batch are they incremented: the time of an id is the
 * time that was given, whatever came before, which the usual monotonic generators don't promise.
 */
export function ulids(ms: number, count: number, random: RandomBytes = cryptoRandom): string[] {
  const prefix = encode(BigInt(clampMs(ms)), TIME_LENGTH);
  let tail = 0n;
  for (const byte of random(RANDOM_LENGTH)) tail = (tail << 8n) | BigInt(byte);
  // Modulo leaves room above the first, so that the last of the batch still fits.
  tail %= (1n << RANDOM_BITS) - BigInt(count);
  return Array.from({ length: count }, (_, index) => prefix + encode(tail + BigInt(index), RANDOM_LENGTH));
}

/** The time that an id was made for. */
export function ulidTimeMs(id: string): number {
  let ms = 0;
  for (const character of id.slice(0, TIME_LENGTH)) ms = ms * 32 + CROCKFORD_32.indexOf(character);
  return ms;
}

/** Whether a text has the form of an id. */
export function isUlid(text: string): boolean {
  return /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(text);
}

/** The lowest id of a time: every event from then on is at or above it. */
export function lowestUlid(ms: number): string {
  return encode(BigInt(clampMs(ms)), TIME_LENGTH) + "0".repeat(RANDOM_LENGTH);
}

/** The highest id of a time: every event up to then is at or below it. */
export function highestUlid(ms: number): string {
  return encode(BigInt(clampMs(ms)), TIME_LENGTH) + "Z".repeat(RANDOM_LENGTH);
}

function clampMs(ms: number): number {
  return Math.min(LATEST_MS, Math.max(0, Math.floor(ms)));
}

function encode(value: bigint, length: number): string {
  let text = "";
  for (let rest = value, i = 0; i < length; i++, rest >>= 5n) text = CROCKFORD_32[Number(rest & 31n)] + text;
  return text;
}
