import { refresh, setClock, watch } from "./clock.ts";
import { morph } from "./morph.ts";
import { find, findAll } from "./page.ts";
import { ask, repeat } from "./poll.ts";
import { showIcon } from "./tab.ts";

const REFRESH_MS = 5_000;

/** Keeps those regions of a page up to date that are marked for it, by asking for the page again. */
export function refreshPage(): void {
  const regions = findAll("[data-live]");
  if (regions.length === 0) return;
  watchServices();
  repeat(
    () => REFRESH_MS,
    async () => {
      const answer = await ask(location.href);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      setClock(Number(page.body.dataset.now));
      refresh(page);
      for (const region of regions) {
        const fresh = find(`[data-live="${region.dataset.live}"]`, page);
        if (fresh) morph(region, fresh);
      }
      watchServices();
      document.title = page.title;
      showIcon(find('link[rel="icon"]', page)?.getAttribute("href"));
    },
  );
}

function watchServices(): void {
  for (const service of findAll("[data-live] .service")) watch(service);
}
