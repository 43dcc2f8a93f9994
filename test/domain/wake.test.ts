import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { D1_LANE, nextDeliveryMs, PARKED_LANE } from "../../src/domain/outbox.ts";
import { deadlineMs } from "../../src/domain/service.ts";
import { expire, nextChangeMs } from "../../src/domain/verbs.ts";
import { nextWake } from "../../src/domain/wake.ts";
import { aliveServices, moment, outboxes, services } from "./support/arbitraries.ts";

const maybeServices = fc.option(services, { nil: undefined });

describe("the next wake", () => {
  it("is the earlier of the service's next change and the earliest delivery", () => {
    fc.assert(
      fc.property(maybeServices, fc.option(moment, { nil: undefined }), (service, deliveryMs) => {
        const times = [(service && nextChangeMs(service)) ?? Infinity, deliveryMs ?? Infinity];
        const earliest = Math.min(...times);
        expect(nextWake(service, deliveryMs)).toBe(earliest === Infinity ? undefined : earliest);
      }),
    );
  });

  it("comes at the very moment from which on the service changes", () => {
    fc.assert(
      fc.property(services, (service) => {
        const wakeMs = nextWake(service, undefined);
        fc.pre(wakeMs !== undefined);
        expect(expire(service, wakeMs).service).not.toEqual(service);
        expect(expire(service, wakeMs - 1)).toEqual({ service, transitions: [] });
      }),
    );
  });

  it("of an alive service is its deadline, or the end of a pause before it if a return is to be told then", () => {
    fc.assert(
      fc.property(aliveServices, (service) => {
        const pauseEndMs = service.untoldRevival ? (service.pauseUntilMs ?? 0) : Infinity;
        expect(nextWake(service, undefined)).toBe(Math.min(deadlineMs(service), pauseEndMs));
      }),
    );
  });

  it("is undefined exactly when nothing can happen any more", () => {
    fc.assert(
      fc.property(maybeServices, outboxes, (service, entries) => {
        const canChange = service !== undefined && expire(service, Number.MAX_SAFE_INTEGER).transitions.length > 0;
        const owesSomething = entries.some(({ lane }) => lane !== PARKED_LANE);
        expect(nextWake(service, nextDeliveryMs(entries)) !== undefined).toBe(canChange || owesSomething);
      }),
    );
  });

  it("does not come for what D1 refused", () => {
    const entry = { id: 1, owed: { kind: "directory" } as const, nextMs: 1, attempts: undefined };
    expect(nextWake(undefined, nextDeliveryMs([{ ...entry, lane: PARKED_LANE }]))).toBeUndefined();
    expect(nextWake(undefined, nextDeliveryMs([{ ...entry, lane: D1_LANE }]))).toBe(1);
  });
});
