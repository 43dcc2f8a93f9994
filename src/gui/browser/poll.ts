import { find } from "./page.ts";

/** Nothing is asked for longer than this while the page is on screen. */
const LONGEST_PAUSE_MS = 60_000;
const TIMEOUT_MS = 20_000;

/** Thrown where the session is over. */
class LoggedOut extends Error {}

/** Thrown where pages rest until a moment, in milliseconds since the epoch. */
class Resting extends Error {
  readonly untilMs: number;

  constructor(untilMs: number) {
    super();
    this.untilMs = untilMs;
  }
}

/** Whoever is to come again after so many seconds shall wait for the next day's quota. */
const LONG_SECONDS = 120;

/** Asks the server for something of ours, as the one who has logged in. */
export async function ask(path: string): Promise<Response> {
  const answer = await fetch(path, { redirect: "manual", signal: AbortSignal.timeout(TIMEOUT_MS) });
  // Whoever is not logged in is led to the login.
  if (answer.type === "opaqueredirect") throw new LoggedOut();
  const seconds = Number(answer.headers.get("retry-after"));
  if (answer.status === 503 && seconds > LONG_SECONDS) throw new Resting(Date.now() + seconds * 1_000);
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  return answer;
}

/**
 * Does something every few seconds while the page is on screen, and says so when the server can't be reached.
 * @returns ends it
 */
export function repeat(everyMs: () => number, work: () => Promise<void>): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isAtWork = false;
  let isOver = false;
  let failures = 0;
  let lastMs = Date.now();

  async function turn(): Promise<void> {
    if (isAtWork || isOver) return;
    isAtWork = true;
    clearTimeout(timer);
    try {
      await work();
      failures = 0;
      lastMs = Date.now();
      if (!isOver) showConnection();
    } catch (error) {
      failures++;
      if (error instanceof LoggedOut) isOver = true;
      if (!document.hidden) showConnection(error, lastMs);
    } finally {
      isAtWork = false;
      next();
    }
  }

  function next(): void {
    clearTimeout(timer);
    if (isOver || document.hidden) return;
    timer = setTimeout(turn, Math.min(LONGEST_PAUSE_MS, everyMs() * 2 ** Math.min(failures, 4)));
  }

  function onVisibility(): void {
    if (document.hidden) clearTimeout(timer);
    else void turn();
  }

  document.addEventListener("visibilitychange", onVisibility);
  addEventListener("online", turn);
  next();
  return () => {
    isOver = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", onVisibility);
    removeEventListener("online", turn);
    showConnection();
  };
}

function showConnection(error?: unknown, lastMs = 0): void {
  const banner = find("#connection");
  if (!banner) return;
  banner.hidden = error === undefined;
  if (error instanceof LoggedOut) {
    const link = document.createElement("a");
    link.href = `/gui/login?next=${encodeURIComponent(location.pathname + location.search)}`;
    link.textContent = "Log in again";
    banner.replaceChildren("The session is over. ", link);
  } else if (error !== undefined) {
    const seen = `what you see is of ${clockOf(lastMs)}.`;
    banner.textContent =
      error instanceof Resting
        ? `Today's quota is nearly used up: pages rest until ${clockOf(error.untilMs)}, so that pulses go on; ${seen}`
        : `The connection is lost: ${seen} It is tried again.`;
  }
}

function clockOf(ms: number): string {
  return new Date(ms).toLocaleTimeString([], { hourCycle: "h23" });
}
