import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Snapshot } from "../../../src/domain/snapshot.ts";
import { DAY_MS, HOUR_MS } from "../../../src/domain/time.ts";
import { ulid, ulidTimeMs } from "../../../src/domain/ulid.ts";
import { PASSWORD } from "../../support/client.ts";
import { START_MS, useTestClock } from "../../support/clock.ts";
import { itemsOf, readable, Visitor } from "../../support/gui.ts";
import { HOOK } from "../../support/monitor.ts";
import { query, snapshot, storeServices, storeTransitions } from "../../support/rows.ts";

useTestClock();

const NOW = START_MS / 1_000;
/** A service that pulsed just now, unless told otherwise. */
const row = (service: string, fields: Partial<Snapshot> = {}) =>
  snapshot(service, { since: NOW - 90 * 86_400, last: NOW, asOf: NOW, ...fields });

beforeEach(async () => {
  vi.setSystemTime(START_MS);
  vi.spyOn(env.LOGIN_ATTEMPTS, "limit").mockResolvedValue({ success: true });
  for (const table of ["services", "transitions"]) await query(`delete from ${table}`);
});
afterEach(() => vi.restoreAllMocks());

async function overview(search = "", variables?: ConstructorParameters<typeof Visitor>[0]) {
  const { status, headers, text: html } = await (await Visitor.loggedIn(variables)).open(`/gui${search}`);
  expect(status, html).toBe(200);
  expect(headers.get("content-type")).toBe("text/html; charset=UTF-8");
  return { html, services: itemsOf(html, "service") };
}

describe("the overview", () => {
  it("is a whole page in standards mode, with its assets, which are named by their content", async () => {
    const { html } = await overview();
    expect(html).toMatch(/^<!doctype html><html lang="en">/);
    expect(html).toMatch(/<link rel="stylesheet" href="\/gui\/assets\/style-[0-9a-f]{10}\.css"\/>/);
    expect(html).toMatch(/<script type="module" src="\/gui\/assets\/script-[0-9a-f]{10}\.js"><\/script>/);
  });

  it("shows the first line to paste where there is nothing, without the password", async () => {
    const { html, services } = await overview();
    expect(services).toEqual([]);
    expect(readable(html)).toContain("No service has pulsed yet");
    expect(readable(html)).toContain(
      `curl -fsS 'https://tower.example/heartbeat' -H "password: $WATCHTOWER_PASSWORD" -d '{"service":"my first service","nextIn":60}'`,
    );
    expect(html).not.toContain(PASSWORD);
    expect((await overview("", { PUBLIC_URL: "https://public.example/" })).html).toContain(
      "https://public.example/heartbeat",
    );
  });

  it("shows the dead first, then the late, then who is due next, the cancelled last", async () => {
    await storeServices(
      row("alive, due in an hour", { nextIn: 3_600 }),
      row("alive, due in a minute"),
      row("cancelled", { status: "cancelled", last: NOW - 9_000 }),
      row("dead for a day", { status: "dead", last: NOW - 90_000, nextIn: 3_600 }),
      row("dead for a minute", { status: "dead", last: NOW - 120 }),
    );
    vi.setSystemTime(START_MS - 70_000);
    await env.SERVICE_MONITOR.getByName("late").pulse({ nextInSeconds: 60, graceSeconds: 100, target: HOOK });
    vi.setSystemTime(START_MS);
    const { html, services } = await overview();
    expect(services).toEqual([
      "✖ dead dead for a day webhook every 1 h missing for 1 d pulsed 1 d ago 0.00 %",
      "✖ dead dead for a minute webhook every 1 min missing for 1 min pulsed 2 min ago 0.00 %",
      "▲ late late webhook every 1 min grace 1 min 40 s late by 10 s, dead in 1 min 30 s pulsed 1 min ago 100 %",
      "● alive alive, due in a minute webhook every 1 min due in 1 min pulsed 0 s ago 100 %",
      "● alive alive, due in an hour webhook every 1 h due in 1 h pulsed 0 s ago 100 %",
      "○ cancelled cancelled webhook every 1 min no pulse expected pulsed 2 h ago –",
    ]);
    expect(html).toContain("<title>2 dead · watchTower</title>");
    expect(html).toMatch(/<link rel="icon" href="\/gui\/assets\/icon-dead-/);
    expect(readable(html)).toContain("2 services are dead");
    expect(readable(html)).toContain("all 6 ✖ dead 2 ▲ late 1 ● alive 2 ○ cancelled 1");
  });

  it("says that all is well where it is", async () => {
    await storeServices(row("a"), row("b"));
    const { html } = await overview();
    expect(readable(html)).toContain("All 2 services are alive");
    expect(html).toContain("<title>watchTower</title>");
    expect(html).toMatch(/<link rel="icon" href="\/gui\/assets\/icon-[0-9a-f]/);
  });

  it("shows what is set: targets, grace, reminders, a pause", async () => {
    await storeServices(
      row("all of it", {
        targets: [HOOK, { type: "mail", target: "ann@example.com" }],
        grace: 30,
        graceIsOwn: true,
        remindEvery: 3_600,
        pauseUntil: NOW + 600,
      }),
      row("over", { pauseUntil: NOW }),
    );
    const { html, services } = await overview("", { TIMEZONE: "Europe/Paris" });
    expect(services[0]).toContain(
      "webhook mail every 1 min grace 30 s reminds every 1 h paused until 2040-01-01 13:10:00",
    );
    expect(services[1]).not.toContain("paused");
    expect(html).toContain('title="ann@example.com"');
  });

  it("shows 30 days as a strip, and the share of the watched time", async () => {
    const at = (days: number, ms = 0) => START_MS - days * DAY_MS + ms;
    await storeServices(row("once down", { since: NOW - 9 * 86_400 }), row("new", { since: NOW - 3 * 86_400 }));
    await storeTransitions(
      { id: ulid(at(10, HOUR_MS)), service: "once down", status: "dead", lastMs: at(10), expectedMs: at(10) },
      { id: ulid(at(9)), service: "once down", status: "alive", lastMs: at(10), expectedMs: at(10) },
      { id: ulid(at(3)), service: "new", status: "alive" },
    );
    const { html, services } = await overview();
    expect(services.map((text) => text.split(" ").slice(-2).join(" "))).toEqual(["100 %", "96.66 %"]);
    expect(html).toContain('aria-label="last 30 days: 29 up, 1 with downtime, 0 unknown"');
    expect(html).toContain('<path class="down" d="M20 0h1V8h-1z">');
    expect(html).toContain('aria-label="last 30 days: 3 up, 0 with downtime, 27 unknown"');
  });

  it("knows what a service was before it was cancelled", async () => {
    await storeServices(row("was up", { status: "cancelled", since: NOW - 86_400 }));
    await storeTransitions(
      { id: ulid(START_MS - 60 * DAY_MS), service: "was up", status: "alive" },
      { id: ulid(START_MS - DAY_MS), service: "was up", status: "cancelled" },
    );
    expect((await overview()).html).toContain('aria-label="last 30 days: 29 up, 0 with downtime, 1 unknown"');
  });

  it("is not misled about who is quiet by who changes all the time", async () => {
    const at = (days: number) => START_MS - days * DAY_MS;
    await storeServices(row("quiet", { since: at(9) / 1_000 }), row("noisy", { since: NOW - 10 }));
    await storeTransitions(
      { id: ulid(at(10)), service: "quiet", status: "dead", lastMs: at(10), expectedMs: at(10) },
      { id: ulid(at(9)), service: "quiet", status: "alive", lastMs: at(10), expectedMs: at(10) },
    );
    // Down and up in turn, for 10 s each.
    const ids = Array.from({ length: 10_400 }, (_, i) => ulid(START_MS - 10_000 * (10_400 - i)));
    for (let i = 0; i < ids.length; i += 5_200) {
      const part = ids.slice(i, i + 5_200).map((id, k) => ({
        ...{ id, service: "noisy", status: k % 2 ? ("alive" as const) : ("dead" as const) },
        ...{ lastMs: ulidTimeMs(id), expectedMs: ulidTimeMs(id) },
      }));
      await storeTransitions(...part);
    }
    const overviewRow = (name: string, { services }: { services: string[] }) =>
      services.find((text) => text.includes(` ${name} `))?.match(/[\d.]+ %.*/)?.[0];
    const shown = await overview();
    // Of 500 changes 250 are returns, and half of the time is down.
    expect(overviewRow("noisy", shown)).toBe("50.00 % since 1 h ago");
    expect(overviewRow("quiet", shown)).toBe("96.66 %");
    expect(shown.html).toContain('aria-label="last 30 days: 29 up, 1 with downtime, 0 unknown"');
    expect(shown.html).toContain('aria-label="last 30 days: 0 up, 1 with downtime, 29 unknown"');
    // A refresh says the same, and so do their own pages.
    const visitor = await Visitor.loggedIn();
    const { rows } = JSON.parse((await visitor.open("/gui/refresh?after=0")).text) as { rows: string[] };
    const services = rows.map(readable);
    for (const name of ["noisy", "quiet"]) expect(overviewRow(name, { services })).toBe(overviewRow(name, shown));
    for (const name of ["noisy", "quiet"]) {
      vi.spyOn(env.SERVICE_MONITOR, "getByName").mockReturnValue({
        snapshot: async () => row(name, { since: (name === "quiet" ? at(9) : START_MS - 10_000) / 1_000 }),
      } as never);
      const text = readable((await visitor.open(`/gui/services/${name}`)).text);
      if (name === "noisy") expect(text).toContain("last 30 days 50.00 % All of this is since 2040-01-01 10:36:40 :");
      else expect(text).toMatch(/last 30 days 96.66 % Send/);
    }
  });

  it("filters by name and state, as the address says, and keeps the rest at hand", async () => {
    await storeServices(row("Apple"), row("pineapple", { status: "dead" }), row("banana", { status: "dead" }));
    const shown = async (search: string) =>
      [...(await overview(search)).html.matchAll(/<li class="service [^>]*?>/g)]
        .filter(([tag]) => !tag.includes("hidden"))
        .map(([tag]) => tag.match(/data-service="([^"]*)"/)?.[1]);
    expect(await shown("?q=APPLE")).toEqual(["pineapple", "Apple"]);
    expect(await shown("?state=dead")).toEqual(["banana", "pineapple"]);
    expect(await shown("?state=dead&q=app")).toEqual(["pineapple"]);
    const { html } = await overview("?state=dead&q=x");
    expect(readable(html)).toContain("No service matches.");
    expect(html).toContain('<input type="hidden" name="state" value="dead"/>');
  });

  it("refuses a state that there is not, with a page", async () => {
    const { status, text } = await (await Visitor.loggedIn()).open("/gui?state=asleep");
    expect(status).toBe(400);
    expect(text).toContain("state must be one of dead, late, alive, cancelled.");
  });

  it("warns of a configuration that needs attention", async () => {
    const { html } = await overview("", {
      GRACE_SECONDS: "many",
      DEFAULT_ALERT_TYPE: "pushover",
      DEFAULT_ALERT_TARGET: "u".repeat(30),
      PUSHOVER_TOKEN: undefined,
      ALERTS_ENABLED: "false",
    });
    const text = readable(html);
    expect(text).toContain("The configuration needs attention.");
    expect(text).toContain("GRACE_SECONDS must be an integer from 0 to 86400; 5 is used.");
    expect(text).toContain("The default alert: PUSHOVER_TOKEN is not configured");
    expect(text).toContain("ALERTS_ENABLED is false: nobody is alerted of anything.");
    expect(readable((await overview()).html)).not.toContain("needs attention");
  });
});

describe("a refresh of the overview", () => {
  const refresh = async (after: number, overdue: string[] = []) => {
    const search = new URLSearchParams([["after", String(after)], ...overdue.map((name) => ["overdue", name])]);
    const { status, text } = await (await Visitor.loggedIn()).open(`/gui/refresh?${search}`);
    expect(status, text).toBe(200);
    const answer = JSON.parse(text) as { now: number; after: number; total: number; rows: string[] };
    return { ...answer, names: answer.rows.map((html) => html.match(/data-service="([^"]*)"/)?.[1]) };
  };

  it("sends what was written since, and nothing else", async () => {
    await storeServices(row("a"), row("b"));
    const first = await refresh(0);
    expect(first.names).toEqual(["a", "b"]);
    expect(first.now).toBe(START_MS);
    // D1's clock goes on by itself; within the millisecond of the refresh a row may come twice.
    await vi.waitFor(async () => expect((await refresh(first.after)).rows).toEqual([]));
    const { after } = await refresh(first.after);
    await storeServices(row("b", { status: "dead", revision: 2 }), row("c"));
    const second = await refresh(after);
    expect(second.names).toEqual(["b", "c"]);
    expect(second.total).toBe(3);
    expect(readable(second.rows[0] ?? "")).toContain("✖ dead b");
  });

  it("asks only those objects that are on screen and overdue, and tells what they say", async () => {
    const pulse = { nextInSeconds: 60, target: HOOK };
    for (const name of ["seen", "unseen", "not due"]) await env.SERVICE_MONITOR.getByName(name).pulse(pulse);
    await query("update services set last = last - 100 where service != 'not due'");
    const { after } = await refresh(0);
    await vi.waitFor(async () => expect((await refresh(after)).rows).toEqual([]));
    const getByName = vi.spyOn(env.SERVICE_MONITOR, "getByName");
    const { rows } = await refresh(after, ["seen", "not due", "nobody"]);
    expect(getByName.mock.calls).toEqual([["seen"]]);
    const told = rows.find((html) => html.includes('data-service="seen"')) ?? "";
    expect(readable(told)).toContain("due in 1 min");
  });

  it("counts out what turns out to be forgotten", async () => {
    await storeServices(row("gone", { last: NOW - 100 }), row("here"));
    const { after } = await refresh(0);
    const { rows, total } = await refresh(after, ["gone"]);
    expect(rows.filter((html) => html.includes("gone"))).toEqual([]);
    expect(total).toBe(1);
  });

  it("is followed by the names alone where some are gone", async () => {
    await storeServices(row("b"), row(`"a" <i>`));
    const { text } = await (await Visitor.loggedIn()).open("/gui/names");
    expect(JSON.parse(text)).toEqual([`"a" <i>`, "b"]);
  });

  it("is refused where it makes no sense", async () => {
    const visitor = await Visitor.loggedIn();
    for (const search of ["", "?after=x", "?after=-1", "?after=1.5"]) {
      expect((await visitor.open(`/gui/refresh${search}`)).status, search).toBe(400);
    }
  });
});

describe("a thousand services", () => {
  it("come in one page, of at most 60 KiB compressed", async () => {
    await storeServices(...Array.from({ length: 1_000 }, (_, i) => row(`service number ${i}`, { nextIn: 60 + i })));
    const { html, services } = await overview();
    expect(services).toHaveLength(1_000);
    const compressed = new Response(html).body?.pipeThrough(new CompressionStream("gzip"));
    expect((await new Response(compressed).arrayBuffer()).byteLength).toBeLessThan(50 * 1_024);
  });
});
