import type { PulseOptions, Target } from "../types.ts";
import { dateOf } from "./date.ts";
import { parseDuration } from "./duration.ts";
import { UsageError } from "./usage.ts";

/** The options of every command. */
export const COMMON = {
  url: { type: "string" },
  "password-file": { type: "string" },
  config: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

/** The options of a pulse. */
export const PULSE = {
  "next-in": { type: "string" },
  "alert-type": { type: "string" },
  "alert-target": { type: "string" },
  alert: { type: "string", multiple: true },
  grace: { type: "string" },
  "remind-every": { type: "string" },
  "pause-until": { type: "string" },
  "pause-for": { type: "string" },
} as const;

/** What {@link PULSE} reads. */
export type PulseFlags = { [name in Exclude<keyof typeof PULSE, "alert">]?: string | undefined } & {
  alert?: string[] | undefined;
};

/** What a pulse says, by its options. */
export function pulseOf(flags: PulseFlags, nowMs: number): PulseOptions & { nextIn: number } {
  const nextIn = flags["next-in"];
  if (nextIn === undefined)
    throw new UsageError("--next-in is missing: when the next pulse comes at the latest, such as 25h.");
  const duration = (name: "grace" | "remind-every" | "pause-for") =>
    flags[name] === undefined ? undefined : parseDuration(flags[name], `--${name}`);
  const pauseFor = duration("pause-for");
  return {
    nextIn: parseDuration(nextIn, "--next-in"),
    alertType: flags["alert-type"],
    alertTarget: flags["alert-target"],
    grace: duration("grace"),
    remindEvery: duration("remind-every"),
    pauseUntil:
      pauseFor === undefined ? dateOf(flags["pause-until"], "--pause-until") : Math.ceil(nowMs / 1_000 + pauseFor),
    alerts: flags.alert?.map(targetOf),
  };
}

function targetOf(text: string): Target {
  const [, type, target] = text.match(/^(\w+):(.+)$/s) ?? [];
  if (type === undefined || target === undefined) {
    throw new UsageError(`--alert must be TYPE:TARGET, such as mail:team@example.com, not "${text}".`);
  }
  return { type, target };
}
