import type { Env } from "../config.ts";
import { AppError } from "../domain/errors.ts";
import { errorText, log } from "../log.ts";
import type { ServiceMonitor } from "../monitor/service-monitor.ts";

const MOST_TRIES = 3;

/**
 * Calls the object of a service. Everything it offers may be repeated, so a call that the platform marks as retryable is,
 * on a new stub (Cloudflare's advice); when that doesn't help either, the caller is asked to come again.
 */
export async function callMonitor<T>(
  env: Env,
  service: string,
  call: (monitor: DurableObjectStub<ServiceMonitor>) => Promise<T>,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await call(env.SERVICE_MONITOR.getByName(service));
    } catch (error) {
      const { retryable, overloaded } = error as { retryable?: boolean; overloaded?: boolean };
      if (retryable && !overloaded && tries < MOST_TRIES) continue;
      log("error", "object.failed", { service, error: errorText(error) });
      throw new AppError("unavailable", "The service's object can't be reached; please try again.", {
        "Retry-After": "5",
      });
    }
  }
}
