import type { Service } from "./service.ts";

/**
 * Whether the state of a service that comes from another watchTower is news to this one: of two states that have heard of
 * the service, the one with the later pulse is right, and of two with the same the one whose status is younger. So the
 * same state may come as often as it likes.
 */
export function isNews(given: Service, before: Service | undefined): boolean {
  if (!before) return true;
  return given.lastMs !== before.lastMs ? given.lastMs > before.lastMs : given.sinceMs > before.sinceMs;
}
