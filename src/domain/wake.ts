import { deadlineMs, type Service } from "./service.ts";

/**
 * When something can next happen by itself: the deadline of an alive service, or the earliest delivery that is owed.
 * Undefined exactly when nothing can happen any more without a request.
 */
export function nextWake(service: Service | undefined, nextDeliveryMs: number | undefined): number | undefined {
  const deadline = service?.status === "alive" ? deadlineMs(service) : undefined;
  if (deadline === undefined) return nextDeliveryMs;
  if (nextDeliveryMs === undefined) return deadline;
  return Math.min(deadline, nextDeliveryMs);
}
