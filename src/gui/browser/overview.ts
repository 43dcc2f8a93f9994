import { byUrgency, type Counts, countStates, headline, STATES, type State, stateOf, worstOf } from "../deadline.ts";
import { chooseOverdue } from "../overdue.ts";
import { queryOf } from "../query.ts";
import { localize, now, onScreen, promiseOf, setClock, watch } from "./clock.ts";
import { arrange, morph } from "./morph.ts";
import { elementOf, find, findAll, setQuery } from "./page.ts";
import { ask, repeat } from "./poll.ts";
import { showDead } from "./tab.ts";

const REFRESH_MS = 5_000;
/** With many services a refresh costs more, and less often will do. */
const MANY = 500;
const REFRESH_MANY_MS = 10_000;

interface Refresh {
  now: number;
  after: number;
  total: number;
  rows: string[];
}

/** Keeps the overview up to date, and filters it while one types. */
export function startOverview(): void {
  const list = find("[data-services]");
  if (!list) return;
  const rows = new Map<string, HTMLElement>();
  for (const row of findAll(".service", list)) {
    rows.set(row.dataset.service ?? "", row);
    watch(row);
  }
  let after = Number(list.dataset.after);
  let isTouched = false;

  const isNamed = (name: string) => name.toLowerCase().includes(search.value.toLowerCase());

  function filter(): void {
    const at = now();
    let shown = 0;
    for (const [name, row] of rows) {
      const isShown = (state === "" || stateOf(promiseOf(row), at) === state) && isNamed(name);
      if (row.hidden === isShown) row.hidden = !isShown;
      if (isShown) shown++;
    }
    const none = find("[data-no-match]");
    if (none) none.hidden = shown > 0 || rows.size === 0;
  }

  const form = find<HTMLFormElement>("form.filter") as HTMLFormElement;
  const search = find<HTMLInputElement>('input[type="search"]', form) as HTMLInputElement;
  const chips = findAll<HTMLAnchorElement>(".chip", form);
  let state = chips.find((chip) => chip.hasAttribute("aria-current"))?.dataset.state ?? "";
  search.addEventListener("input", () => {
    setQuery({ q: search.value });
    for (const chip of chips) chip.href = `/gui${queryOf({ state: chip.dataset.state, q: search.value })}`;
    filter();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const chip of chips) {
    chip.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      state = chip.dataset.state ?? "";
      for (const other of chips) other.toggleAttribute("aria-current", other === chip);
      chip.setAttribute("aria-current", "true");
      setQuery({ state });
      filter();
    });
  }
  // What is under the pointer must not move away from it.
  list.addEventListener("pointerenter", () => {
    isTouched = true;
  });
  list.addEventListener("pointerleave", () => {
    isTouched = false;
  });

  async function apply({ now: serverMs, after: next, total, rows: changed }: Refresh): Promise<void> {
    setClock(serverMs);
    after = next;
    for (const html of changed) put(elementOf(html));
    if (total !== rows.size) await removeForgotten();
    sort();
    count();
    filter();
  }

  async function removeForgotten(): Promise<void> {
    const known = new Set((await (await ask("/gui/names")).json()) as string[]);
    for (const [name, row] of rows) {
      if (known.has(name)) continue;
      rows.delete(name);
      row.remove();
    }
  }

  /** A row that is there stays, and so does what has not changed of it: where one is scrolled to, and what is focused. */
  function put(row: HTMLElement): void {
    const name = row.dataset.service ?? "";
    localize(row);
    const old = rows.get(name);
    if (old) {
      row.hidden = old.hidden;
      morph(old, row);
    } else {
      rows.set(name, row);
      list?.append(row);
      watch(row);
    }
  }

  /** Brings the rows in order; while somebody is at them, only what changed its state. */
  function sort(): void {
    const at = now();
    const order = byUrgency(at);
    const rank = (row: HTMLElement) => STATES.indexOf(stateOf(promiseOf(row), at));
    const isBusy = isTouched || list?.contains(document.activeElement);
    const current = findAll(".service", list as HTMLElement);
    const wanted = isBusy
      ? current.map((row, i) => ({ row, i, rank: rank(row) })).sort((a, b) => a.rank - b.rank || a.i - b.i)
      : current.map((row) => ({ row, promise: promiseOf(row) })).sort((a, b) => order(a.promise, b.promise));
    arrange(
      list as HTMLElement,
      wanted.map(({ row }) => row),
    );
  }

  function count(): void {
    const at = now();
    const counts = countStates([...rows.values()].map(promiseOf), at);
    for (const chip of chips) {
      const number = find("b", chip);
      if (number) number.textContent = String(chip.dataset.state ? counts[chip.dataset.state as State] : rows.size);
    }
    say(counts);
    form.hidden = rows.size === 0;
    const first = find("[data-first-pulse]");
    if (first) first.hidden = rows.size > 0;
  }

  const askedAt = new Map<string, number>();

  /** The services whose promise has passed, as far as is known here. */
  function overdue(): string[] {
    const seen = new Set(onScreen());
    const listed = [...rows.values()].map((row) => ({
      ...promiseOf(row),
      isOnScreen: seen.has(row) && !row.hidden,
      isAwaited: state === "late" && isNamed(row.dataset.service ?? ""),
    }));
    return chooseOverdue(listed, now(), refreshMs() / 1_000, askedAt);
  }

  const refreshMs = () => (rows.size > MANY ? REFRESH_MANY_MS : REFRESH_MS);
  repeat(refreshMs, async () => {
    const names = overdue().map((name) => ["overdue", name]);
    const answer = await ask(`/gui/refresh?${new URLSearchParams([["after", String(after)], ...names])}`);
    await apply((await answer.json()) as Refresh);
  });
}

/** The headline, the title and the icon. */
function say(counts: Counts): void {
  const element = find("[data-headline]");
  if (element) {
    element.className = `headline ${worstOf(counts)}`;
    const text = headline(counts);
    if (element.textContent !== text) element.textContent = text;
  }
  showDead(counts.dead);
}
