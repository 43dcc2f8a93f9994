import type { Pulse, Service } from "../../../src/domain/service.ts";
import { pulse } from "../../../src/domain/verbs.ts";
import { nextWake } from "../../../src/domain/wake.ts";
import { StateStore } from "../../../src/monitor/state-store.ts";
import { OWNER, START_MS } from "./arbitraries.ts";
import { FakeStorage } from "./fake-storage.ts";
import { DEFAULTS } from "./story.ts";

/** A pulse that promises the next one within a minute. */
export const MINUTELY: Pulse = { nextInSeconds: 60, target: OWNER };

/** For a store whose deadline must not be taken for lost. */
export const neverLost = () => Promise.reject(new Error("the deadline was taken for lost"));
const neverRefused = (error: unknown) => {
  throw error;
};
/** Makes the store anew from what is stored. */
export const open = (storage: FakeStorage, assumeLastMs: () => Promise<number> = neverLost) =>
  StateStore.open(storage, assumeLastMs, neverRefused);

/** A store, its storage, and the clock of both. */
export async function begin() {
  const clock = { nowMs: START_MS };
  const storage = new FakeStorage(() => clock.nowMs);
  return { clock, storage, store: await open(storage) };
}

/** Pulses and arms the alarm for the deadline, as the object does when nothing is owed. */
export function steadyPulse(store: StateStore, nowMs: number): Service {
  const { service } = pulse(store.service, MINUTELY, DEFAULTS, nowMs);
  store.write(service, nextWake(service, undefined), nowMs);
  return service;
}
