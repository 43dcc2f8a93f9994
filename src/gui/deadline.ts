import type { Status } from "../domain/service.ts";
import { formatDuration, SECOND_MS } from "../domain/time.ts";

/*
 * What a service's row says of its deadline. The server says it first, the browser's script goes on every second: what is
 * here runs in both.
 */

/** What a row tells of a service, in seconds since the epoch. */
export interface Promised {
  status: Status;
  last: number;
  nextIn: number;
  grace: number;
  /** When this was known. */
  asOf: number;
}

/** How a service is shown: one that has broken its promise, but is within its grace, is late. */
export type State = "dead" | "late" | "alive" | "cancelled";

/** All states, the most urgent first. */
export const STATES: readonly State[] = ["dead", "late", "alive", "cancelled"];

/** Told by shape as well as by colour. */
export const SIGNS: Record<State, string> = { dead: "✖", late: "▲", alive: "●", cancelled: "○" };

function expectedOf({ last, nextIn }: Promised): number {
  return last + nextIn;
}

/**
 * How a service is shown. It is late only if it was known silent when its promise was over: the directory hears of a
 * steady service once in ten minutes, and what it has is the promise of an earlier pulse.
 */
export function stateOf(service: Promised, now: number): State {
  if (service.status !== "alive") return service.status;
  const expected = expectedOf(service);
  return expected < now && expected <= service.asOf ? "late" : "alive";
}

/** Sorts by urgency: by state, then by the next deadline, then by name. */
export function byUrgency(now: number) {
  return (a: Promised & { service: string }, b: Promised & { service: string }): number =>
    STATES.indexOf(stateOf(a, now)) - STATES.indexOf(stateOf(b, now)) ||
    nextDeadline(a, now) - nextDeadline(b, now) ||
    (a.service < b.service ? -1 : Number(a.service > b.service));
}

/** Of a service whose promise is over, and that is alive all the same, the next deadline is guessed: it keeps its pace. */
function nextDeadline(service: Promised, now: number): number {
  const expected = expectedOf(service);
  if (expected >= now || stateOf(service, now) !== "alive") return expected;
  return expected + Math.ceil((now - expected) / service.nextIn) * service.nextIn;
}

/** What a row says of the deadline, in a few words. */
export function dueText(service: Promised, now: number): string {
  const left = expectedOf(service) - now;
  const duration = (seconds: number) => formatDuration(seconds * SECOND_MS);
  switch (stateOf(service, now)) {
    case "dead":
      return `missing for ${duration(-left)}`;
    case "late":
      return left + service.grace > 0
        ? `late by ${duration(-left)}, dead in ${duration(left + service.grace)}`
        : `late by ${duration(-left)}`;
    case "alive":
      return left >= 0 ? `due in ${duration(left)}` : `was due ${duration(-left)} ago`;
    case "cancelled":
      return "no pulse expected";
  }
}

/** How much of the time until the deadline is used up, from 0 to 1. */
export function usedUp(service: Promised, now: number): number {
  const { status, last, nextIn, grace } = service;
  if (status !== "alive") return status === "dead" ? 1 : 0;
  return Math.min(1, Math.max(0, (now - last) / (nextIn + grace)));
}

/** How long ago something was, roughly: in days, hours, minutes or seconds. */
export function agoText(date: number, now: number): string {
  return `${formatDuration((now - date) * SECOND_MS, 1)} ago`;
}

/** How many services there are of each state. */
export type Counts = Record<State, number>;

/** Counts services by their state. */
export function countStates(services: Iterable<Promised>, now: number): Counts {
  const counts: Counts = { dead: 0, late: 0, alive: 0, cancelled: 0 };
  for (const service of services) counts[stateOf(service, now)]++;
  return counts;
}

/** The state that matters most; that of nothing at all is alive. */
export function worstOf(counts: Counts): State {
  return counts.dead > 0 ? "dead" : counts.late > 0 ? "late" : "alive";
}

/** What the overview says first. */
export function headline({ dead, late, alive, cancelled }: Counts): string {
  if (dead > 0) return dead === 1 ? "1 service is dead" : `${dead} services are dead`;
  if (late > 0) return late === 1 ? "1 service is late" : `${late} services are late`;
  if (alive > 0) return alive === 1 ? "The one service is alive" : `All ${alive} services are alive`;
  return cancelled > 0 ? "All services are cancelled" : "No service has pulsed yet";
}

/** A page's title: what is seen of it in a browser's tab. */
export function titleOf(dead: number, title: string): string {
  return dead > 0 ? `${dead} dead · ${title}` : title;
}
