import { AppError } from "../domain/errors.ts";
import { isUlid } from "../domain/ulid.ts";

/** Where the next page of a list begins. It carries the range, so that pages don't slide while time goes on. */
export interface Cursor {
  fromSeconds: number;
  toSeconds: number;
  beforeId: string;
}

/** A cursor as text that can stand in a URL. */
export function writeCursor({ fromSeconds, toSeconds, beforeId }: Cursor): string {
  return `${fromSeconds}.${toSeconds}.${beforeId}`;
}

/** Reads a cursor that an answer gave as `next`. */
export function readCursor(text: string): Cursor {
  const [, from, to, beforeId] = text.match(/^(\d{1,12})\.(\d{1,12})\.(\w{26})$/) ?? [];
  if (from === undefined || to === undefined || beforeId === undefined || !isUlid(beforeId)) {
    throw new AppError("invalid_input", "cursor must be the value of next in an earlier answer.");
  }
  return { fromSeconds: Number(from), toSeconds: Number(to), beforeId };
}
