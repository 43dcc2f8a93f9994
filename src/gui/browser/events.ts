import { localize } from "./clock.ts";
import { elementOf, find, findAll, setQuery } from "./page.ts";
import { ask, repeat } from "./poll.ts";

const POLL_MS = 3_000;
/** What has scrolled away for good is let go of, so that a page that is left open doesn't grow without end. */
const MOST_SHOWN = 1_000;

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
        () => fetchNew(list as HTMLElement),
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

async function fetchNew(list: HTMLElement): Promise<void> {
  const query = new URLSearchParams(location.search);
  const newest = list.firstElementChild?.id.replace("event-", "");
  if (newest) query.set("after", newest);
  for (;;) {
    const { rows, next } = (await (await ask(`/gui/events/new?${query}`)).json()) as { rows: string[]; next?: string };
    for (const html of rows) insert(list, elementOf(html));
    if (next === undefined) break;
    query.set("next", next);
  }
  const all = findAll(".event", list);
  for (const old of all.slice(MOST_SHOWN)) old.remove();
  const none = find("[data-no-events]");
  if (none) none.hidden = all.length > 0;
}

/** Puts an event where its id has it, which tells its date. */
function insert(list: HTMLElement, row: HTMLElement): void {
  if (document.getElementById(row.id)) return;
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
