import { titleOf } from "../deadline.ts";
import { find } from "./page.ts";
import { ask, repeat } from "./poll.ts";

const COUNT_MS = 30_000;
const title = document.title.replace(/^\d+ dead · /, "");

/** Lets the tab tell how many services are dead: by the title and the icon. */
export function showDead(dead: number): void {
  document.title = titleOf(dead, title);
  const icon = find<HTMLLinkElement>('link[rel="icon"]');
  showIcon(dead > 0 ? icon?.dataset.dead : icon?.dataset.well);
}

/** Shows another icon; the same is not loaded again. */
export function showIcon(href: string | null | undefined): void {
  const icon = find<HTMLLinkElement>('link[rel="icon"]');
  if (icon && href && icon.getAttribute("href") !== href) icon.href = href;
}

/** Goes on counting the dead on pages that nothing else keeps up to date. */
export function countDead(): void {
  if (document.body.dataset.countsDead === undefined || find("[data-live], [data-services]")) return;
  repeat(
    () => COUNT_MS,
    async () => showDead(((await (await ask("/gui/dead")).json()) as { dead: number }).dead),
  );
}
