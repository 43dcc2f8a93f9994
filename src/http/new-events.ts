import type * as z from "zod/mini";
import { AppError } from "../domain/errors.ts";
import type { Event } from "../domain/event.ts";
import { CLOCK_SLACK_SECONDS, OLDEST_EVENT_SECONDS } from "../domain/limits.ts";
import { SECOND_MS, toSeconds } from "../domain/time.ts";
import { cryptoRandom, type RandomBytes, ulids, ulidTimeMs } from "../domain/ulid.ts";
import { DATE_HINT, ID_HINT } from "./event-fields.ts";
import { parseFields } from "./fields.ts";
import { eventSchema } from "./schemas.ts";

type Said = z.output<typeof eventSchema>;

/** Events as they were read, and what was wrong with the others, by their index in what was sent. */
export interface NewEvents {
  events: Event[];
  /** The index of each event in what was sent. */
  indices: number[];
  refused: Map<number, AppError>;
  /** The ids that were sent along. */
  givenIds: Set<string>;
}

/**
 * Reads events, and gives an id to those that have none; those of the same date keep their order.
 * @param random what makes those ids differ from all others
 */
export function readEvents(sent: readonly unknown[], nowMs: number, random: RandomBytes = cryptoRandom): NewEvents {
  const refused = new Map<number, AppError>();
  const good: { said: Said; index: number; ms: number }[] = [];
  for (const [index, item] of sent.entries()) {
    try {
      if (item instanceof AppError) throw item;
      const said = parseFields(eventSchema, asObject(item));
      good.push({ said, index, ms: dateOf(said, nowMs) });
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      refused.set(index, error);
    }
  }
  const withoutId = good.filter(({ said }) => said.id === undefined);
  const newIds = new Map(
    [...Map.groupBy(withoutId, ({ ms }) => ms)].map(([ms, { length }]) => [ms, ulids(ms, length, random).values()]),
  );
  const events = good.map(({ said, ms }): Event => {
    const { service, level, message, alert, fields } = said;
    const id = said.id ?? (newIds.get(ms)?.next().value as string);
    return { id, service, level, message, alert, ...(fields ? { fields } : {}) };
  });
  const givenIds = new Set(good.flatMap(({ said }) => said.id ?? []));
  return { events, indices: good.map(({ index }) => index), refused, givenIds };
}

function asObject(value: unknown): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new AppError("invalid_input", "An event must be a JSON object.");
}

/** When an event was, in milliseconds since the epoch: as it says, or by its id, or now. */
function dateOf({ date, id }: Said, nowMs: number): number {
  if (date !== undefined && !isNear(date.ms, nowMs)) throw new AppError("invalid_input", DATE_HINT);
  if (id === undefined) return date?.ms ?? nowMs;
  const ms = ulidTimeMs(id);
  if (date === undefined ? !isNear(ms, nowMs) : !isOf(ms, date)) throw new AppError("invalid_input", ID_HINT);
  return ms;
}

function isOf(ms: number, date: NonNullable<Said["date"]>): boolean {
  return date.isWholeSecond ? toSeconds(ms) === toSeconds(date.ms) : ms === date.ms;
}

function isNear(ms: number, nowMs: number): boolean {
  return ms >= nowMs - OLDEST_EVENT_SECONDS * SECOND_MS && ms <= nowMs + CLOCK_SLACK_SECONDS * SECOND_MS;
}
