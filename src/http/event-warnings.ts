import type { Config } from "../config.ts";
import { warnOfTarget } from "../providers/index.ts";

/** Why an event that asks for it may alert nobody. */
export function alertWarnings(config: Config): readonly string[] {
  return config.defaultTarget
    ? warnOfTarget(config.defaultTarget, config)
    : ["No default alert is configured, so nobody is alerted of this event."];
}
