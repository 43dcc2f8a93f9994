import { env } from "cloudflare:workers";
import { beforeEach, vi } from "vitest";
import { configOf } from "../../src/config.ts";
import type { Alert } from "../../src/domain/alert.ts";
import type { Target } from "../../src/domain/service.ts";
import { send } from "../../src/providers/index.ts";

/**
 * In most tests many alerts go to one target, at one time: each is sent by itself all the same. The tests of the messenger
 * itself call {@link useMessengers}.
 */
beforeEach(() => {
  const deliver = (alert: Alert, target: Target) => send(alert, target, configOf(env));
  vi.spyOn(env.MESSENGER, "getByName").mockReturnValue({ deliver } as never);
});

/** Lets messengers send what is sent. */
export function useMessengers(): void {
  beforeEach(() => vi.mocked(env.MESSENGER.getByName).mockRestore());
}
