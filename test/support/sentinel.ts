import { env } from "cloudflare:workers";
import { beforeEach, vi } from "vitest";
import { SENTINEL_NAME, type Sentinel } from "../../src/monitor/sentinel.ts";

/** The sentinel, also where tests see another. */
export function realSentinel(): DurableObjectStub<Sentinel> {
  return env.SENTINEL.get(env.SENTINEL.idFromName(SENTINEL_NAME));
}

/**
 * In most tests services die for reasons of their own, and many of them at one time: nobody sees an outage in that. The
 * tests of the sentinel itself call {@link useSentinel}.
 */
beforeEach(() => {
  const seesNothing = {
    fallsSilent: async () => ({ verdict: "own", waitMs: 0 }),
    noticeOutage: async () => {},
    sweep: () => realSentinel().sweep(),
    spent: async () => {},
    restUntilMs: async () => undefined,
  };
  vi.spyOn(env.SENTINEL, "getByName").mockReturnValue(seesNothing as never);
});

/** Lets the sentinel see what happens. */
export function useSentinel(): void {
  beforeEach(() => vi.mocked(env.SENTINEL.getByName).mockRestore());
}
