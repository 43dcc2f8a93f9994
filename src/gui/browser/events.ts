import { localize } from "./clock.ts";
import { elementOf, find, findAll, setQuery } from "./page.ts";
import { ask, repeat } from "./poll.ts";

/** So often it is looked whether the stream is well. */
const LOOK_MS = 2_000;
/** Where there is none, so often news are asked for, and a stream is tried. */
const POLL_MS = 10_000;
/** A stream ends now and then, and begins again at once: only one that stays away for longer is given up. */
const PATIENCE_MS = 6_000;
/** So many are shown, so that a page that is left open doesn't grow without end. */
const MOST_SHOWN = 1_000;

interface News {
  rows: string[];
  /** Where the next answer goes on, if there are more. */
  next?: string;
  /** Where to go on next time. */
  after: string;
}

/** Lets new events appear by themselves where the switch is on. */
export function startEvents(): void {
  const list = find("[data-events]");
  const toggle = find<HTMLAnchorElement>("[data-live-switch]");
  if (!list || !toggle) return;
  keepDatesOrRange();
  let stop: (() => void) | undefined;

  function turn(isOn: boolean): void {
    toggle?.setAttribute("aria-checked", String(isOn));
    toggle?.classList.toggle("on", isOn);
    toggle?.classList.toggle("off", !isOn);
    if (isOn === (stop !== undefined)) return;
    stop?.();
    stop = isOn ? listen(list as HTMLElement, toggle as HTMLElement) : undefined;
  }

  toggle.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    const isPage =
      new URL(location.href).searchParams.has("before") || new URL(location.href).searchParams.has("after");
    // Older pages don't change: the link leads to the newest.
    if (isPage) return;
    event.preventDefault();
    setQuery({ live: stop ? undefined : "1" });
    turn(!stop);
  });
  toggle.addEventListener("keydown", (event) => {
    if (event.key !== " ") return;
    event.preventDefault();
    toggle.click();
  });
  turn(toggle.getAttribute("aria-checked") === "true");
}

/**
 * Shows events as the server's stream tells of them. Where there is no stream, because the session is over, today's quota
 * is nearly used up, or nobody answers, news are asked for every now and then, which also finds out why.
 * @returns ends it
 */
function listen(list: HTMLElement, toggle: HTMLElement): () => void {
  let source: EventSource | undefined;
  let lostMs = 0;
  let askedMs = 0;

  function open(): void {
    const query = new URLSearchParams(location.search);
    query.set("after", toggle.dataset.readUntil ?? "");
    source = new EventSource(`/gui/events/stream?${query}`);
    lostMs = Date.now();
    source.onmessage = ({ data, lastEventId }) => {
      if (lastEventId > (toggle.dataset.readUntil ?? "")) toggle.dataset.readUntil = lastEventId;
      show(list, [(JSON.parse(data) as { row: string }).row]);
    };
    source.onopen = () => {
      lostMs = 0;
    };
    source.onerror = () => {
      // It tries again and again.
      lostMs ||= Date.now();
      // It does not come again by itself.
      if (source?.readyState === EventSource.CLOSED) close();
    };
  }

  function close(): void {
    source?.close();
    source = undefined;
  }

  async function look(): Promise<void> {
    const isWell = source?.readyState === EventSource.OPEN;
    if (isWell || (source && Date.now() - lostMs < PATIENCE_MS) || Date.now() - askedMs < POLL_MS) return;
    await fetchNew(list, toggle);
    // Only now: what fails is tried again sooner or later, by who repeats this.
    askedMs = Date.now();
    if (!source) open();
  }

  function onVisibility(): void {
    if (!document.hidden) return;
    close();
    askedMs = 0;
  }

  document.addEventListener("visibilitychange", onVisibility);
  const stop = repeat(() => LOOK_MS, look);
  if (!document.hidden) open();
  return () => {
    document.removeEventListener("visibilitychange", onVisibility);
    stop();
    close();
  };
}

async function fetchNew(list: HTMLElement, { dataset }: HTMLElement): Promise<void> {
  const query = new URLSearchParams(location.search);
  query.set("after", dataset.readUntil ?? "");
  let until: string | undefined;
  let count = 0;
  for (;;) {
    const { rows, next, after } = (await (await ask(`/gui/events/new?${query}`)).json()) as News;
    // What comes while this goes on is asked for next time.
    until ??= after;
    count += show(list, rows, MOST_SHOWN - count);
    // Nobody reads so many: the page is made anew, with the newest and the way to the others.
    if (count > MOST_SHOWN) return location.reload();
    if (next === undefined) break;
    query.set("next", next);
  }
  dataset.readUntil = until;
}

/**
 * Shows those rows that are not there yet; none where they are more than `most`.
 * @returns how many those are
 */
function show(list: HTMLElement, rows: readonly string[], most = MOST_SHOWN): number {
  const fresh = rows.map(elementOf).filter((row) => isWanted(list, row));
  if (fresh.length > most) return fresh.length;
  for (const row of fresh) insert(list, row);
  letGo(list);
  const none = find("[data-no-events]");
  if (none) none.hidden = list.childElementCount > 0;
  return fresh.length;
}

/** Whether an event is neither shown nor on the next page. */
function isWanted(list: HTMLElement, { id }: HTMLElement): boolean {
  if (document.getElementById(id)) return false;
  const last = list.lastElementChild;
  return !last || id > last.id || !olderLink();
}

function olderLink(): HTMLAnchorElement | null {
  return find<HTMLAnchorElement>('nav.pages [rel="next"]');
}

/** Lets the oldest go where they are too many, and leads to them. */
function letGo(list: HTMLElement): void {
  const all = findAll(".event", list);
  if (all.length <= MOST_SHOWN) return;
  for (const old of all.slice(MOST_SHOWN)) old.remove();
  const older = new URL(location.href);
  older.searchParams.delete("live");
  older.searchParams.set("before", idOf(all[MOST_SHOWN - 1] as HTMLElement));
  const link = olderLink() ?? document.createElement("a");
  link.rel = "next";
  link.href = older.pathname + older.search;
  link.textContent = "Older";
  // What is put where it is already would lose the focus.
  if (!link.isConnected) find("nav.pages")?.append(link);
}

function idOf(event: HTMLElement): string {
  return event.id.replace("event-", "");
}

/** Puts an event where its id has it, which tells its date. */
function insert(list: HTMLElement, row: HTMLElement): void {
  const older = findAll(".event", list).find(({ id }) => id < row.id);
  localize(row);
  row.classList.add("new");
  list.insertBefore(row, older ?? null);
}

/** Who chooses a range wants no dates any more, and the other way round. */
function keepDatesOrRange(): void {
  const form = find<HTMLFormElement>("[data-events-filter]");
  const since = find<HTMLSelectElement>('[name="since"]', form ?? document);
  const dates = findAll<HTMLInputElement>('input[type="datetime-local"]', form ?? document);
  since?.addEventListener("change", () => {
    for (const date of dates) date.value = "";
  });
}
