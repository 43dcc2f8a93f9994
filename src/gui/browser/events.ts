import { localize } from "./clock.ts";
import { elementOf, find, findAll, setQuery } from "./page.ts";
import { ask, repeat } from "./poll.ts";

const POLL_MS = 3_000;
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
    if (isOn)
      stop = repeat(
        () => POLL_MS,
        () => fetchNew(list as HTMLElement, toggle as HTMLElement),
      );
    else {
      stop?.();
      stop = undefined;
    }
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

async function fetchNew(list: HTMLElement, { dataset }: HTMLElement): Promise<void> {
  const query = new URLSearchParams(location.search);
  query.set("after", dataset.readUntil ?? "");
  let until: string | undefined;
  let count = 0;
  for (;;) {
    const { rows, next, after } = (await (await ask(`/gui/events/new?${query}`)).json()) as News;
    // What comes while this goes on is asked for next time.
    until ??= after;
    const fresh = rows.map(elementOf).filter((row) => isWanted(list, row));
    count += fresh.length;
    // Nobody reads so many: the page is made anew, with the newest and the way to the others.
    if (count > MOST_SHOWN) return location.reload();
    for (const row of fresh) insert(list, row);
    if (next === undefined) break;
    query.set("next", next);
  }
  dataset.readUntil = until;
  letGo(list);
  const none = find("[data-no-events]");
  if (none) none.hidden = list.childElementCount > 0;
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
