import { afterAll, beforeAll, vi } from "vitest";

/** A moment far enough ahead that the platform never fires an alarm of the test's by itself. */
export const START_MS = Date.UTC(2040, 0, 1, 12, 0, 0);

/** Puts the tests of a file on a clock that only they move; it starts at {@link START_MS}. */
export function useTestClock(): void {
  beforeAll(() => {
    vi.useFakeTimers({ toFake: ["Date"], now: START_MS });
  });
  afterAll(() => {
    vi.useRealTimers();
  });
}

/** Moves the clock on. */
export function advance(ms: number): void {
  vi.setSystemTime(Date.now() + ms);
}
