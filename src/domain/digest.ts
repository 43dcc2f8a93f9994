import type { Alert } from "./alert.ts";
import { formatDate } from "./time.ts";

/** Several alerts to one target in one message. */
export interface Digest {
  id: string;
  kind: "digest";
  /** When the latest of it happened. */
  dateMs: number;
  title: string;
  message: string;
  alerts: Alert[];
}

/** What a provider sends. */
export type Message = Alert | Digest;

/** How much of an event's text a digest has, in characters: the whole of it is in the events. */
const MOST_OF_A_TEXT = 120;
/** What the headings of a digest take at most, in characters, with any time zone's name. */
const HEADINGS = 300;

/** How many characters an alert takes in a digest, about. */
export function lengthInDigest(alert: Alert): number {
  return lineOf(alert).length + 1;
}

/** How many characters the alerts of a digest may take where its text may have so many. */
export function roomInDigest(mostCharacters: number): number {
  return mostCharacters - HEADINGS;
}

/** One message of several alerts, each of which it names. */
export function digestOf(id: string, alerts: readonly Alert[], timeZone: string): Digest {
  const sorted = alerts.toSorted((a, b) => a.dateMs - b.dateMs);
  const deaths = sorted.filter(({ kind }) => kind === "dead");
  const returns = sorted.filter(({ kind }) => kind === "alive");
  const others = sorted.filter(({ kind }) => kind === "event");
  const sections = [
    section("Not pulsing", deaths, timeZone),
    section("Pulsing again", returns, timeZone),
    section("Events", others, timeZone),
  ];
  const counts = [
    deaths.length > 0 ? `${count(deaths)} not pulsing` : "",
    returns.length > 0 ? `${count(returns)} pulsing again` : "",
    others.length > 0 ? (others.length === 1 ? "1 event" : `${others.length} events`) : "",
  ];
  return {
    id,
    kind: "digest",
    dateMs: sorted.at(-1)?.dateMs ?? 0,
    title: counts.filter(Boolean).join(", "),
    message: sections.filter(Boolean).join("\n\n"),
    alerts: sorted,
  };
}

function count(alerts: readonly Alert[]): string {
  const services = new Set(alerts.map(({ service }) => service)).size;
  return services === 1 ? "1 service" : `${services} services`;
}

function section(heading: string, alerts: readonly Alert[], timeZone: string): string {
  const [first, last] = [alerts[0], alerts.at(-1)];
  if (!first || !last) return "";
  const dates = [...new Set([first, last].map(({ dateMs }) => formatDate(dateMs, timeZone)))].join(" to ");
  return [`${heading} (${dates} ${timeZone}):`, ...alerts.map(lineOf)].join("\n");
}

function lineOf({ kind, service, title, message, changes }: Alert): string {
  if (kind !== "event") return changes === undefined ? service : `${service} (${changes} changes within an hour)`;
  const text = `${title.startsWith(`${service}: `) ? title.slice(service.length + 2) : title}: ${message}`;
  return `${service}: ${cut(text.replace(/\s+/g, " "))}`;
}

function cut(text: string): string {
  return text.length <= MOST_OF_A_TEXT ? text : `${text.slice(0, MOST_OF_A_TEXT).replace(/[\ud800-\udbff]$/, "")}…`;
}
