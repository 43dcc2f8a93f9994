/** What a page says after something was done, by the word that its address has then. */
export const DONE = {
  cancelled: "The service is cancelled: nobody waits for it any more. Its next pulse makes it alive again.",
  paused: "Alerts are kept back. Pulses and deaths are noticed all the same.",
  resumed: "The pause is over.",
  tested: "A test alert is on its way to everybody who is told of this service. What comes of it appears under Alerts.",
  forgotten: "The service is forgotten. Its events are kept.",
  ruled: "The rule is saved. It holds for events that come from now on, everywhere within a minute.",
  unruled: "The rule is deleted. What it was about to tell is not told.",
  resent: "The alert is being sent again.",
} as const;

/** The sentence for it; undefined where nothing was done. */
export function notice(done: keyof typeof DONE | undefined): string | undefined {
  return done && DONE[done];
}
