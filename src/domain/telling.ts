import {
  type Alive,
  type Change,
  type Dead,
  downtimeOf,
  type Service,
  type Transition,
  type UntoldRevival,
} from "./service.ts";
import { toldTargets } from "./target.ts";
import { SECOND_MS } from "./time.ts";

/** Until then nobody is told of anything; 0 where there is no pause. */
export function pauseEndMs(service: Service): number {
  return service.pauseUntilMs ?? 0;
}

/** When a death is told, or told again; undefined for never. */
export function nextTellingMs(service: Dead): number | undefined {
  if (service.toldMs === undefined) return pauseEndMs(service);
  if (service.remindEverySeconds === 0) return undefined;
  return Math.max(service.toldMs + service.remindEverySeconds * SECOND_MS, pauseEndMs(service));
}

/** The pause is over, and the service is dead. */
export function tellDeath({ untoldRevival: _, ...service }: Dead, atMs: number): Change<Service> {
  return {
    service: { ...service, toldMs: atMs },
    transitions: [{ kind: "death-told", atMs, ...downtimeOf(service), targets: toldTargets(service) }],
  };
}

/** Reminders that were missed are not made up for: one says it all. */
export function remind(service: Dead, atMs: number): Change<Service> {
  const { reminders } = service;
  return {
    service: { ...service, toldMs: atMs, reminders: reminders + 1 },
    transitions: [{ kind: "reminded", atMs, ...downtimeOf(service), targets: toldTargets(service), reminders }],
  };
}

/** The pause is over, and the service is back. */
export function tellRevival({ untoldRevival, ...service }: Alive, atMs: number): Change<Service> {
  if (!untoldRevival) return { service, transitions: [] };
  const { atMs: revivedMs, ...downtime } = untoldRevival;
  return {
    service,
    transitions: [{ kind: "revival-told", atMs, revivedMs, ...downtime, targets: toldTargets(service) }],
  };
}

/** The return that remains untold after a pulse: the owner believes the service dead, and may not be told yet. */
export function untoldRevivalOf(before: Service | undefined, after: Alive): UntoldRevival | undefined {
  if (after.pauseUntilMs === undefined) return undefined;
  if (before?.status === "dead" && before.toldMs !== undefined) return { ...downtimeOf(before), atMs: after.lastMs };
  return untoldOf(before);
}

/** What a pulse lets out that ends a pause before its time. */
export function letOut(before: Service, after: Alive): Transition[] {
  const untoldRevival = untoldOf(before);
  return untoldRevival && !after.untoldRevival
    ? tellRevival({ ...after, untoldRevival }, after.lastMs).transitions
    : [];
}

/** The return that a pause has kept from being told so far. */
function untoldOf(service: Service | undefined): UntoldRevival | undefined {
  return service?.status === "alive" || service?.status === "dead" ? service.untoldRevival : undefined;
}
