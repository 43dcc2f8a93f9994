import { localize, watch } from "./clock.ts";
import { find, findAll } from "./page.ts";
import { ask, repeat } from "./poll.ts";

const REFRESH_MS = 5_000;

/** What the server said of a region last. */
const saidOf = new WeakMap<Element, string>();

/** Keeps those regions of a page up to date that are marked for it, by asking for the page again. */
export function refreshPage(): void {
  const regions = findAll("[data-live]");
  if (regions.length === 0) return;
  for (const service of findAll("[data-live] .service")) watch(service);
  repeat(
    () => REFRESH_MS,
    async () => {
      const answer = await ask(location.href);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const region of regions) {
        const fresh = find(`[data-live="${region.dataset.live}"]`, page);
        if (fresh) adopt(region, fresh);
      }
      document.title = page.title;
      const [icon, freshIcon] = [document, page].map((of) => find<HTMLLinkElement>('link[rel="icon"]', of));
      if (icon && freshIcon && icon.getAttribute("href") !== freshIcon.getAttribute("href")) icon.href = freshIcon.href;
    },
  );
}

/** Shows a region as the server has it now, unless that is the same or somebody is at it; what was unfolded stays so. */
function adopt(region: HTMLElement, fresh: HTMLElement): void {
  const said = lasting(fresh);
  if (saidOf.get(region) === said || region.contains(document.activeElement)) return;
  saidOf.set(region, said);
  const unfolded = new Set(findAll<HTMLDetailsElement>("details[open]", region).map(keyOf));
  region.replaceChildren(...[...fresh.childNodes].map((node) => document.importNode(node, true)));
  for (const details of findAll<HTMLDetailsElement>("details", region)) {
    if (unfolded.has(keyOf(details))) details.open = true;
  }
  localize(region);
  for (const service of findAll(".service", region)) watch(service);
}

/** What the server says but for what only time changes, which is counted here. */
function lasting(region: HTMLElement): string {
  const copy = region.cloneNode(true) as HTMLElement;
  for (const counted of findAll("time[data-ago], .due-text, progress", copy)) counted.remove();
  for (const service of findAll(".service", copy)) delete service.dataset.asOf;
  return copy.innerHTML;
}

function keyOf(details: HTMLDetailsElement): string {
  return `${details.closest("[id]")?.id} ${details.className}`;
}
