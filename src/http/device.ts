import type { Device } from "../domain/caller.ts";
import { AppError } from "../domain/errors.ts";
import type { ByKey } from "../domain/pulse-key.ts";
import type { AppContext } from "./context.ts";
import { NO_TARGET } from "./schemas.ts";
import { refuseWrongPassword } from "./wrong-password.ts";

/** What is said of a key that is none, or none any more. */
export const NO_KEY = "This pulse key is wrong, or was revoked.";

/** What is said where a key is used for something else. */
export const PULSES_ONLY = "A pulse key pulses and cancels its own service, and does nothing else.";

/** The device that asks, where one does; it may only speak of its own service. */
export function deviceOn(c: AppContext, service: string): Device | undefined {
  const { caller } = c.var;
  if (caller?.role !== "device") return undefined;
  if (caller.service !== service) throw new AppError("forbidden", PULSES_ONLY);
  return caller;
}

/** What came of a device's request; throws where the service's object has refused it. */
export async function outcomeOf<T>(c: AppContext, answer: ByKey<T>): Promise<T> {
  if ("done" in answer) return answer.done;
  const { refused } = answer;
  switch (refused.why) {
    case "revoked":
      throw await refuseWrongPassword(c, NO_KEY);
    case "change":
      throw new AppError("forbidden", `${refused.field} must be as it is, or left out: a pulse key can't change it.`);
    case "too-long":
      throw new AppError("invalid_input", `nextIn must be at most ${refused.maxNextInSeconds} with this pulse key.`);
    case "no-target":
      throw new AppError("invalid_input", NO_TARGET);
  }
}
