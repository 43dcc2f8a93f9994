import { showTimes } from "./clock.ts";
import { offerCopies } from "./copy.ts";
import { startEvents } from "./events.ts";
import { refreshPage } from "./live-page.ts";
import { startOverview } from "./overview.ts";
import { setQuery } from "./page.ts";
import { countDead } from "./tab.ts";

/*
 * What the browser adds to pages that do without it: times in the viewer's zone, countdowns, and news as they come.
 * A module runs when the page is there.
 */
showTimes();
// What was done is said once, not again by a page that is loaded again.
setQuery({ done: undefined });
offerCopies();
startOverview();
startEvents();
refreshPage();
countDead();
