import type { Config } from "../config.ts";
import type { Alert } from "../domain/alert.ts";
import { pathOfEvents, pathOfService } from "../paths.ts";

/** Where an alert leads to: what the web interface has of it, where its address is configured. */
export function linkOf({ publicUrl }: Config, { kind, service }: Alert): string | undefined {
  // Who sends events need not pulse, and then has no page.
  return publicUrl && publicUrl + (kind === "event" ? pathOfEvents(service) : pathOfService(service));
}
