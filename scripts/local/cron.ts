import { Cron } from "croner";
import { Refusal } from "./refusal.ts";

/**
 * Fires each schedule in UTC, as Cloudflare does: `fire` gets the schedule's text. A run that takes longer than its
 * interval is not run twice at once; one that fails is reported, and the schedule goes on.
 */
export function startCron(
  schedules: string[],
  fire: (schedule: string) => Promise<void>,
  report: (schedule: string, error: unknown) => void,
): { stop(): void } {
  const jobs = schedules.map((schedule) => {
    try {
      return new Cron(
        schedule,
        // Weekdays count from 1, which is Sunday, as in Cloudflare's schedules.
        { timezone: "UTC", alternativeWeekdays: true, protect: true, catch: (error) => report(schedule, error) },
        () => fire(schedule),
      );
    } catch (error) {
      throw new Refusal(`wrangler.toml: the cron trigger "${schedule}" is not understood: ${(error as Error).message}`);
    }
  });
  return {
    stop: () => {
      for (const job of jobs) job.stop();
    },
  };
}
