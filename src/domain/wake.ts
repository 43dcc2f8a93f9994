import type { Service } from "./service.ts";
import { nextChangeMs } from "./verbs.ts";

/**
 * When something can next happen by itself: a change of the service, or the earliest delivery that is owed.
 * Undefined exactly when nothing can happen any more without a request.
 */
export function nextWake(service: Service | undefined, nextDeliveryMs: number | undefined): number | undefined {
  const changeMs = service && nextChangeMs(service);
  if (changeMs === undefined) return nextDeliveryMs;
  if (nextDeliveryMs === undefined) return changeMs;
  return Math.min(changeMs, nextDeliveryMs);
}
