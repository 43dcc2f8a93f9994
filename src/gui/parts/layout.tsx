import type { Child } from "hono/jsx";
import { version } from "../../../package.json";
import { configOf } from "../../config.ts";
import type { AppContext } from "../../http/context.ts";
import { isAdmin } from "../../http/sight.ts";
import { errorText, log } from "../../log.ts";
import { warnOfTarget } from "../../providers/index.ts";
import { openDatabase } from "../../storage/database.ts";
import { countDead } from "../../storage/directory.ts";
import { ASSETS } from "../assets.ts";
import { titleOf } from "../deadline.ts";

const PAGES = [
  { path: "/gui", name: "Services" },
  { path: "/gui/events", name: "Events" },
  { path: "/gui/alerts", name: "Alerts" },
  { path: "/gui/rules", name: "Rules" },
  { path: "/gui/setup", name: "Set-up" },
] as const;

interface Shell {
  title: string;
  /** The page in the navigation that is shown, or to which it belongs; undefined before the login. */
  at?: (typeof PAGES)[number]["path"];
  /** How many services are dead: the title and the icon tell. Counted where it is not said. */
  dead?: number;
  /** For browsers without a script: how often the page loads itself, in seconds. */
  reloadEvery?: number | undefined;
  children: Child;
}

/** Answers with a whole page. */
export async function answerPage(c: AppContext, shell: Shell, status: 200 | 400 | 403 | 404 | 429 | 500 | 503 = 200) {
  const dead = shell.dead ?? (shell.at === undefined ? 0 : await deadOf(c));
  return c.html(`<!doctype html>${<Page c={c} {...shell} dead={dead} />}`, status);
}

/** A page that can be made is not held back because these can't be counted. */
function deadOf(c: AppContext): Promise<number> {
  return countDead(openDatabase(c.env.DB)).catch((error) => {
    log("warn", "dead.count-failed", { error: errorText(error) });
    return 0;
  });
}

function Page({ c, title, at, dead, reloadEvery, children }: Shell & { c: AppContext; dead: number }) {
  const { timeZone } = configOf(c.env);
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{titleOf(dead, title)}</title>
        <link
          rel="icon"
          href={dead > 0 ? ASSETS.iconDead : ASSETS.icon}
          data-dead={ASSETS.iconDead}
          data-well={ASSETS.icon}
        />
        <link rel="stylesheet" href={ASSETS.style} />
        <script type="module" src={ASSETS.script} />
        {reloadEvery !== undefined && (
          <noscript>
            <meta http-equiv="refresh" content={String(reloadEvery)} />
          </noscript>
        )}
      </head>
      <body data-now={String(Date.now())} data-counts-dead={at === undefined ? undefined : ""}>
        <a class="skip" href="#main">
          Skip to the content
        </a>
        <header class="top">
          <a class="brand" href="/gui">
            <Tower />
            watchTower
          </a>
          {at !== undefined && <Navigation at={at} isReader={!isAdmin(c)} />}
        </header>
        <div id="connection" class="banner problem" role="status" hidden />
        {at !== undefined && <Problems problems={problemsOf(c)} />}
        <main id="main">{children}</main>
        <footer>
          watchTower {version} · times in <span data-zone>{timeZone}</span> · <a href="/docs">the API</a>
        </footer>
      </body>
    </html>
  );
}

function Navigation({ at, isReader }: { at: string; isReader: boolean }) {
  return (
    <>
      <nav aria-label="Pages">
        {PAGES.map(({ path, name }) => (
          <a href={path} aria-current={path === at ? "page" : undefined}>
            {name}
          </a>
        ))}
      </nav>
      {isReader && <span class="tag">read only</span>}
      <form method="post" action="/gui/logout">
        <button type="submit" class="quiet">
          Log out
        </button>
      </form>
    </>
  );
}

function Tower() {
  return (
    <svg class="tower" viewBox="0 0 24 24" aria-hidden="true">
      <path d="M8.5 10h7l1.5 12h-10z" />
      <path d="M7 8h10v2H7z" />
      <path d="M9 4h6v4H9z" class="lamp" />
      <path d="M12 1l4 3H8z" />
      <path d="M8 5 1 3v5zM16 5l7-2v5z" class="beam" />
    </svg>
  );
}

/** What is wrong with the configuration, as sentences. */
export function problemsOf(c: AppContext): string[] {
  const config = configOf(c.env);
  const { defaultTarget } = config;
  return [
    ...config.problems,
    ...(defaultTarget ? warnOfTarget(defaultTarget, config).map((warning) => `The default alert: ${warning}`) : []),
    ...(config.alertsEnabled ? [] : ["ALERTS_ENABLED is false: nobody is alerted of anything."]),
  ];
}

function Problems({ problems }: { problems: string[] }) {
  if (problems.length === 0) return null;
  return (
    <div class="banner warning" role="note">
      <strong>The configuration needs attention.</strong>
      <ul>
        {problems.map((problem) => (
          <li>{problem}</li>
        ))}
      </ul>
      <a href="/gui/setup">Set-up</a>
    </div>
  );
}
