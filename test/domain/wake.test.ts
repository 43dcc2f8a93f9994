import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { D1_LANE, nextDeliveryMs, PARKED_LANE } from "../../src/domain/outbox.ts";
import { deadlineMs, expire } from "../../src/domain/service.ts";
import { nextWake } from "../../src/domain/wake.ts";
import { moment, outboxes, services } from "./support/arbitraries.ts";

const maybeServices = fc.option(services, { nil: undefined });

describe("the next wake", () => {
  it("is the earlier of an alive service's deadline and the earliest delivery", () => {
    fc.assert(
      fc.property(maybeServices, fc.option(moment, { nil: undefined }), (service, deliveryMs) => {
        const times = [service?.status === "alive" ? deadlineMs(service) : Infinity, deliveryMs ?? Infinity];
        const earliest = Math.min(...times);
        expect(nextWake(service, deliveryMs)).toBe(earliest === Infinity ? undefined : earliest);
      }),
    );
  });

  it("is undefined exactly when nothing can happen any more", () => {
    fc.assert(
      fc.property(maybeServices, outboxes, (service, entries) => {
        const canDie = service !== undefined && expire(service, Number.MAX_SAFE_INTEGER).transitions.length > 0;
        const owesSomething = entries.some(({ lane }) => lane !== PARKED_LANE);
        expect(nextWake(service, nextDeliveryMs(entries)) !== undefined).toBe(canDie || owesSomething);
      }),
    );
  });

  it("does not come for what D1 refused", () => {
    const entry = { id: 1, owed: { kind: "directory" } as const, nextMs: 1, attempts: undefined };
    expect(nextWake(undefined, nextDeliveryMs([{ ...entry, lane: PARKED_LANE }]))).toBeUndefined();
    expect(nextWake(undefined, nextDeliveryMs([{ ...entry, lane: D1_LANE }]))).toBe(1);
  });
});
