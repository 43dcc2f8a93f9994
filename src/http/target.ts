import type { Config } from "../config.ts";
import { AppError } from "../domain/errors.ts";
import type { Target } from "../domain/service.ts";
import { refuseTarget } from "../providers/index.ts";
import { NO_TARGET } from "./schemas.ts";

/** A target that can be used, or may be one day; throws where it never can. */
export function acceptedTarget(target: Target, config: Config, hintOf = (refusal: string) => refusal): Target {
  const refusal = refuseTarget(target, config);
  if (refusal) throw new AppError("invalid_input", hintOf(refusal));
  return target;
}

/** Where a caller says that alerts go: both fields are given, or neither. */
export function namedTarget(
  { alertType: type, alertTarget: target }: { alertType?: string | undefined; alertTarget?: string | undefined },
  config: Config,
): Target | undefined {
  if (type !== undefined && target !== undefined) return acceptedTarget({ type, target }, config);
  if (type !== undefined || target !== undefined) {
    throw new AppError("invalid_input", "alertType and alertTarget must be given together.");
  }
  return undefined;
}

/** Where alerts go where nobody says. */
export function defaultTarget(config: Config): Target {
  if (config.defaultTarget) return config.defaultTarget;
  throw new AppError("invalid_input", NO_TARGET);
}
