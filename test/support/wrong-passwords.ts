import { env } from "cloudflare:workers";
import { beforeEach, vi } from "vitest";

/** All tests have one address, and many give wrong passwords: they are counted where a test wants to see that. */
beforeEach(() => {
  vi.spyOn(env.FAILED_PASSWORDS, "limit").mockResolvedValue({ success: true });
});
