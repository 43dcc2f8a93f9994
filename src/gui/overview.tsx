import { dateMs, type Event } from "../domain/event.ts";
import { ERROR_LEVEL, levelName } from "../domain/level.ts";
import type { Status } from "../domain/service.ts";
import { expectedOf, type Snapshot } from "../domain/snapshot.ts";
import { formatDate, formatDuration, SECOND_MS } from "../domain/time.ts";

/** Told by shape as well as by colour. */
const SIGNS: Record<Status, string> = { dead: "✖", alive: "●", cancelled: "○" };
const URGENCY: Record<Status, number> = { dead: 0, alive: 1, cancelled: 2 };

interface OverviewProps {
  services: Snapshot[];
  events: Event[];
  nowMs: number;
  timeZone: string;
}

/** All services, the most urgent first, and the newest events. */
export function Overview({ services, events, nowMs, timeZone }: OverviewProps) {
  const count = (status: Status) => services.filter((service) => service.status === status).length;
  const dead = count("dead");
  const sorted = [...services].sort(
    (a, b) =>
      URGENCY[a.status] - URGENCY[b.status] || expectedOf(a) - expectedOf(b) || (a.service < b.service ? -1 : 1),
  );
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>{dead > 0 ? `${dead} dead · watchTower` : "watchTower"}</title>
        <link rel="stylesheet" href="/gui/style.css" />
      </head>
      <body>
        <header>
          <h1>watchTower</h1>
          <p class="counts">
            <span class={dead > 0 ? "dead" : ""}>{dead} dead</span>, {count("alive")} alive, {count("cancelled")}{" "}
            cancelled
          </p>
        </header>
        <main>
          <h2>Services</h2>
          {services.length === 0 ? (
            <p>No service has pulsed yet.</p>
          ) : (
            <Services services={sorted} nowMs={nowMs} timeZone={timeZone} />
          )}
          <h2>Events of the last 24 hours</h2>
          {events.length === 0 ? <p>None.</p> : <Events events={events} timeZone={timeZone} />}
        </main>
      </body>
    </html>
  );
}

function Services({ services, nowMs, timeZone }: { services: Snapshot[]; nowMs: number; timeZone: string }) {
  return (
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">Status</th>
            <th scope="col">Service</th>
            <th scope="col">Last pulse</th>
            <th scope="col">Next pulse</th>
            <th scope="col">Alert</th>
          </tr>
        </thead>
        <tbody>
          {services.map((service) => (
            <tr>
              <td class={service.status}>
                {SIGNS[service.status]} {service.status}
              </td>
              <td class="name">
                <bdi>{service.service}</bdi>
              </td>
              <td class="date" title={`${formatDate(service.last * SECOND_MS, timeZone)} ${timeZone}`}>
                {formatDuration(nowMs - service.last * SECOND_MS)} ago
              </td>
              <td class="date">{nextPulse(service, nowMs)}</td>
              <td>{service.targets.map((target) => target.type).join(", ")}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function nextPulse(service: Snapshot, nowMs: number): string {
  if (service.status === "cancelled") return "not expected";
  const leftMs = expectedOf(service) * SECOND_MS - nowMs;
  return leftMs >= 0 ? `within ${formatDuration(leftMs)}` : `${formatDuration(-leftMs)} overdue`;
}

function Events({ events, timeZone }: { events: Event[]; timeZone: string }) {
  return (
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">Date ({timeZone})</th>
            <th scope="col">Level</th>
            <th scope="col">Service</th>
            <th scope="col">Message</th>
          </tr>
        </thead>
        <tbody>
          {events.map((event) => (
            <tr>
              <td class="date">{formatDate(dateMs(event), timeZone)}</td>
              <td class={event.level >= ERROR_LEVEL ? "error" : event.level === ERROR_LEVEL - 1 ? "warning" : ""}>
                {levelName(event.level)}
              </td>
              <td class="name">
                <bdi>{event.service}</bdi>
              </td>
              <td class="message">
                <bdi>{event.message}</bdi>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
