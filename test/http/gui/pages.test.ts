import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../../src/domain/time.ts";
import { ulid, ulids, ulidTimeMs } from "../../../src/domain/ulid.ts";
import { MOST_COUNTED } from "../../../src/storage/event-counts.ts";
import { PASSWORD } from "../../support/client.ts";
import { advance, START_MS, useTestClock } from "../../support/clock.ts";
import { itemsOf, readable, Visitor } from "../../support/gui.ts";
import {
  accept,
  deliveryLog,
  HOOK,
  interceptProviders,
  MINUTELY,
  monitorOf,
  runAlarm,
  settle,
} from "../../support/monitor.ts";
import { alertRecord, event, query, storeAlerts, storeEvents, storeTransitions } from "../../support/rows.ts";

useTestClock();

let visitor: Visitor;
beforeEach(async () => {
  vi.setSystemTime(START_MS);
  vi.spyOn(env.LOGIN_ATTEMPTS, "limit").mockResolvedValue({ success: true });
  for (const method of ["log", "warn", "error"] as const) vi.spyOn(console, method).mockReturnValue();
  for (const table of ["services", "events", "alerts", "transitions"]) await query(`delete from ${table}`);
  visitor = await Visitor.loggedIn();
});
afterEach(() => vi.restoreAllMocks());

let names = 0;
const newName = () => `service ${++names}`;

async function page(path: string): Promise<string> {
  const { status, text } = await visitor.open(path);
  expect(status, text).toBe(200);
  return text;
}

describe("a service's page", () => {
  it("says how the service is, since when, and what it promised", async () => {
    const name = newName();
    await monitorOf(name).pulse({ ...MINUTELY, graceSeconds: 10 });
    advance(20_000);
    const text = readable(await page(`/gui/services/${encodeURIComponent(name)}`));
    expect(text).toContain(`${name} ● alive since 2040-01-01 12:00:00 ( 20 s ago ) due in 40 s`);
    expect(text).toContain("It promised the next within 1 min, by 2040-01-01 12:01:00 .");
    expect(text).toContain(HOOK.target);
    expect(text).toContain("last day 100 % last week 100 % last 30 days 100 %");
  });

  it("shows its history with the downtimes, its alerts with every attempt, and its events", async () => {
    const name = newName();
    interceptProviders((_, index) => (index === 0 ? new Response("try later", { status: 503 }) : accept()));
    await monitorOf(name).pulse(MINUTELY);
    await runAlarm(name);
    const pending = await page(`/gui/services/${encodeURIComponent(name)}`);
    expect(itemsOf(pending, "alert")[0]).toMatch(
      /^… pending Service .* has not pulsed .* 1 attempt, the next at 2040-01-01 12:01:10 2040-01-01 12:01:05 HTTP 503: try later/,
    );
    await settle(name);
    vi.setSystemTime(START_MS + HOUR_MS);
    await monitorOf(name).pulse(MINUTELY);
    await settleDeliveries(name);
    const html = await page(`/gui/services/${encodeURIComponent(name)}`);
    expect(itemsOf(html, "(?:alive|dead)")).toEqual([
      "● alive 2040-01-01 13:00:00 0 s ago after 59 min of downtime",
      "✖ dead 2040-01-01 12:01:05 58 min ago the pulse of 2040-01-01 12:01:00 didn't come",
      "● alive 2040-01-01 12:00:00 1 h ago",
    ]);
    expect(itemsOf(html, "alert")[1]).toMatch(
      /^✔ delivered .* 2 attempts 2040-01-01 12:01:05 HTTP 503: try later 2040-01-01 12:01:10 HTTP 200: ok$/,
    );
    expect(itemsOf(html, "event")).toEqual([
      `2040-01-01 13:00:00 notice The service ${name} is pulsing again. It was dead for 59 min, from 2040-01-01 12:01:00 UTC to 2040-01-01 13:00:00 UTC`,
      `2040-01-01 12:01:05 error The service ${name} is not pulsing since 2040-01-01 12:00:00 UTC`,
    ]);
  });

  /** Lets what is due be delivered, but no deadline pass. */
  const settleDeliveries = async (name: string) => {
    while (await runAlarm(name, Date.now() + 10_000));
  };

  it("says of its history that these are the newest, and leads to older ones", async () => {
    const name = newName();
    await monitorOf(name).pulse(MINUTELY);
    const ids = ulids(START_MS - HOUR_MS, 119);
    await storeTransitions(
      ...ids.map((id, i) => ({ id, service: name, status: i % 2 ? ("alive" as const) : ("dead" as const) })),
    );
    const path = `/gui/services/${encodeURIComponent(name)}`;
    const changesOf = (html: string) => [...html.matchAll(/id="change-(\w+)"/g)].map(([, id]) => id);
    const next = (html: string) => html.match(/rel="next" href="([^"#]+)#history"/)?.[1];
    const first = await page(path);
    expect(readable(first)).toContain("The newest 50 changes.");
    const second = await page(next(first) ?? "");
    expect(readable(second)).not.toContain("The newest 50 changes.");
    expect(second).toContain(`href="${path}#history"`);
    const third = await page(next(second) ?? "");
    expect(next(third)).toBeUndefined();
    expect([first, second, third].map((html) => changesOf(html).length)).toEqual([50, 50, 20]);
    expect([first, second, third].flatMap(changesOf).slice(1)).toEqual(ids.toReversed());
    expect((await visitor.open(`${path}?before=x`)).status).toBe(400);
  });

  it("has examples with its name, its target and our address, and no password", async () => {
    const name = newName();
    await monitorOf(name).pulse(MINUTELY);
    const html = await page(`/gui/services/${encodeURIComponent(name)}`);
    const text = readable(html);
    for (const language of ["curl", "Python", "JavaScript", "Java", "crontab", "systemd"])
      expect(text).toContain(language);
    expect(text).toContain(`{"service":"${name}","nextIn":60,"alertType":"webhook","alertTarget":"${HOOK.target}"}`);
    expect(html).not.toContain(PASSWORD);
    // A job that runs once a day promises no less.
    expect(text).toMatch(/0 3 \* \* \* .*"nextIn":90000/);
    expect(text).toContain("whose timer starts it again within 1 min");
  });

  it("is a 404 where there is no such service, and makes none", async () => {
    const getByName = vi.spyOn(env.SERVICE_MONITOR, "getByName");
    const { status, text } = await visitor.open("/gui/services/nobody");
    expect(status).toBe(404);
    expect(text).toContain("There is no service of this name.");
    expect((await visitor.submit("/gui/services/nobody", { action: "cancel" })).status).toBe(404);
    expect((await visitor.open("/gui/services/%ff")).status).toBe(400);
    expect((await visitor.open("/gui/services")).status).toBe(400);
    expect(getByName).not.toHaveBeenCalled();
  });

  it.each([".", "..", "a/b", "%2F", "a?b#c", "\u2028", "ä ö", "+"])("is found whatever the name: %j", async (name) => {
    await monitorOf(name).pulse(MINUTELY);
    const [href] = (await page("/gui")).match(/(?<=<a class="name hue-\d+" href=")[^"]+/) ?? [];
    const url = new URL(href ?? "", "https://tower.example");
    expect(await page(url.pathname + url.search)).toContain('data-live="service"');
    const { headers } = await visitor.submit(url.pathname + url.search, { action: "cancel" });
    expect(await page(headers.get("location") ?? "")).toContain("The service is cancelled");
    expect((await monitorOf(name).snapshot())?.status).toBe("cancelled");
    await monitorOf(name).forget();
  });
});

describe("the tab of every page", () => {
  it("tells how many are dead", async () => {
    const name = newName();
    await monitorOf(name).pulse(MINUTELY);
    await query("update services set status = 'dead' where service = ?", name);
    for (const [path, title] of [
      ["/gui/events", "Events · watchTower"],
      ["/gui/alerts", "Alerts · watchTower"],
      ["/gui/setup", "Set-up · watchTower"],
      [`/gui/services/${encodeURIComponent(name)}`, `${name}: alive · watchTower`],
    ] as const) {
      const html = await page(path);
      expect(html, path).toContain(`<title>1 dead · ${title}</title>`);
      expect(html, path).toMatch(/<link rel="icon" href="\/gui\/assets\/icon-dead-/);
    }
    expect(JSON.parse(await page("/gui/dead"))).toEqual({ dead: 1 });
    await query("update services set status = 'alive'");
    expect(await page("/gui/events")).toContain("<title>Events · watchTower</title>");
  });

  it("tells nothing where that can't be counted, and the page is there all the same", async () => {
    const prepare = env.DB.prepare.bind(env.DB);
    vi.spyOn(env.DB, "prepare").mockImplementation((sql) => {
      if (sql.includes("status = 'dead'")) throw new Error("D1 is down");
      return prepare(sql);
    });
    expect(await page("/gui/setup")).toContain("<title>Set-up · watchTower</title>");
  });
});

describe("the buttons of a service's page", () => {
  const press = async (name: string, fields: Record<string, string>) => {
    const { status, headers, text } = await visitor.submit(`/gui/services/${encodeURIComponent(name)}`, fields);
    expect(status, text).toBe(303);
    return page(headers.get("location") ?? "");
  };

  it("cancel", async () => {
    const name = newName();
    await monitorOf(name).pulse(MINUTELY);
    const html = await press(name, { action: "cancel" });
    expect(readable(html)).toContain("○ cancelled");
    expect(html).not.toContain('value="cancel"');
    expect(html).not.toContain('value="pause"');
  });

  it("pause, and end the pause", async () => {
    const name = newName();
    const received = interceptProviders(accept);
    await monitorOf(name).pulse(MINUTELY);
    expect(readable(await press(name, { action: "pause", minutes: "30" }))).toContain(
      "paused until 2040-01-01 12:30:00",
    );
    await runAlarm(name);
    expect((await monitorOf(name).snapshot())?.status).toBe("dead");
    expect(received).toEqual([]);
    expect(readable(await press(name, { action: "pause", minutes: "0" }))).not.toContain("paused until");
    await settle(name);
    expect(received.map(({ body }) => body.kind)).toEqual(["dead"]);
    // Nothing of that was a sign of life.
    expect((await monitorOf(name).snapshot())?.last).toBe(START_MS / 1_000);
  });

  it("send a test alert to everybody who is told, and to nobody else", async () => {
    const name = newName();
    const received = interceptProviders(accept);
    const second = { type: "webhook", target: "https://hooks.example/b" };
    await monitorOf(name).pulse({ ...MINUTELY, nextInSeconds: 600, furtherTargets: [second, HOOK] });
    await press(name, { action: "test" });
    while (await runAlarm(name, START_MS + MINUTE_MS));
    expect(received.map(({ url, body }) => [url, body.kind, body.title])).toEqual([
      [HOOK.target, "event", `Test alert of ${name}`],
      [second.target, "event", `Test alert of ${name}`],
    ]);
    expect((await monitorOf(name).snapshot())?.status).toBe("alive");
    expect(await deliveryLog(name)).toMatchObject([{ state: "delivered" }, { state: "delivered" }]);
  });

  it("forget", async () => {
    const name = newName();
    await monitorOf(name).pulse(MINUTELY);
    const html = await press(name, { action: "forget" });
    expect(html).toContain("The service is forgotten.");
    expect(itemsOf(html, "service")).toEqual([]);
    expect(await monitorOf(name).snapshot()).toBeNull();
  });

  it("do nothing that they don't know", async () => {
    const name = newName();
    await monitorOf(name).pulse(MINUTELY);
    for (const fields of [
      {},
      { action: "explode" },
      { action: "pause", minutes: "-1" },
      { action: "pause", minutes: "99999" },
    ]) {
      expect((await visitor.submit(`/gui/services/${encodeURIComponent(name)}`, fields)).status).toBe(400);
    }
    expect(await monitorOf(name).snapshot()).toMatchObject({ status: "alive" });
  });
});

describe("the events", () => {
  beforeEach(async () => {
    await storeEvents(
      event(START_MS - 2 * DAY_MS, { service: "old", message: "two days old" }),
      event(START_MS - 3 * HOUR_MS, { service: "disk", level: 4, message: "Disk full on /var" }),
      event(START_MS - 2 * HOUR_MS, { service: "disk", level: 3, message: "disk almost full" }),
      event(START_MS - HOUR_MS, { service: "web", level: 1, message: "user signed up" }),
      event(START_MS - MINUTE_MS, { service: "web", level: 9, message: `long ${"x".repeat(300)}\nsecond line` }),
    );
  });
  const messages = async (search: string) => itemsOf(await page(`/gui/events${search}`), "event");
  const servicesOf = async (search: string) =>
    (await messages(search)).map((text) => text.match(/^\S+ \S+ \S+ (\S+)/)?.[1]);

  it("are those of the last day, newest first, with long messages folded", async () => {
    const [first, ...others] = await messages("");
    expect(first).toMatch(/^2040-01-01 11:59:00 9 web long x+ … Less long x+ second line$/);
    expect(others).toEqual([
      "2040-01-01 11:00:00 info web user signed up",
      "2040-01-01 10:00:00 warning disk disk almost full",
      "2040-01-01 09:00:00 error disk Disk full on /var",
    ]);
  });

  it("are folded between characters, not within what people take for one", async () => {
    const family = "👨‍👩‍👧‍👦";
    await storeEvents(event(START_MS - 1_000, { message: `${"A".repeat(235)}${family}${"tail ".repeat(100)}` }));
    await storeEvents(event(START_MS - 2_000, { message: `${"B".repeat(239)}🎉${"tail ".repeat(100)}` }));
    const [first, second] = await messages("");
    expect(first).toContain(`${"A".repeat(235)} … Less`);
    expect(second).toContain(`${"B".repeat(239)} … Less`);
  });

  it.each<[string, string[]]>([
    ["?since=7200", ["web", "web", "disk"]],
    ["?since=604800", ["web", "web", "disk", "disk", "old"]],
    ["?service=disk", ["disk", "disk"]],
    ["?level=warning", ["web", "disk", "disk"]],
    ["?level=4", ["web", "disk"]],
    ["?message=DISK", ["disk", "disk"]],
    ["?message=disk&level=error", ["disk"]],
    ["?from=2040-01-01T09:30&to=2040-01-01T11:30", ["web", "disk"]],
    ["?from=2040-01-01T10:30&to=2040-01-01T12:30&zone=Europe%2FParis", ["web", "disk"]],
    [`?from=${START_MS / 1_000 - 3_600}&to=${START_MS / 1_000}`, ["web", "web"]],
    ["?service=&level=&message=&from=&to=&preset=", ["web", "web", "disk", "disk"]],
  ])("are filtered by the address: %s", async (search, expected) => {
    expect(await servicesOf(search)).toEqual(expected);
  });

  it("are filtered by a preset, which a field of the form overrules", async () => {
    const presets = JSON.stringify([{ name: "disks", service: "disk", message: "full" }]);
    visitor = await Visitor.loggedIn({ EVENTS_PRESETS: presets });
    expect(await servicesOf("?preset=disks")).toEqual(["disk", "disk"]);
    expect(await servicesOf("?preset=disks&message=almost")).toEqual(["disk"]);
    expect((await visitor.open("/gui/events?preset=none")).status).toBe(400);
  });

  it.each([
    ["?from=yesterday", "from must be a date"],
    ["?to=2040-13-01T00:00", "to must be a date"],
    ["?from=2040-01-02T00:00&to=2040-01-01T00:00", "from must not be after to"],
    ["?zone=Mars", "zone must be the name of a time zone"],
    ["?since=1", "since must be an integer from 60 to 31622400"],
    ["?level=loud", "level must be"],
    ["?before=x", "before must be the id of a row"],
  ])("are not filtered by what makes no sense: %s", async (search, hint) => {
    const { status, text } = await visitor.open(`/gui/events${search}`);
    expect(status).toBe(400);
    expect(readable(text)).toContain(hint);
  });

  it("are counted over the range, by level, each bar a link to its part", async () => {
    const html = await page("/gui/events?since=86400");
    expect(readable(html)).toContain("4 events");
    const bars = [...html.matchAll(/<a href="([^"]+)" aria-label="([^"]+)" [^>]*><title/g)];
    expect(bars.map(([, , label]) => label)).toEqual([
      "2040-01-01 08:48:00: 1 event, 1 error, 0 warnings",
      "2040-01-01 09:36:00: 1 event, 0 errors, 1 warning",
      "2040-01-01 10:48:00: 1 event, 0 errors, 0 warnings",
      "2040-01-01 11:36:00: 1 event, 1 error, 0 warnings",
    ]);
    const { pathname, search } = new URL((bars[0]?.[1] ?? "").replaceAll("&amp;", "&"), "https://tower.example");
    expect(itemsOf(await page(pathname + search), "event")).toEqual([
      "2040-01-01 09:00:00 error disk Disk full on /var",
    ]);
  });

  it("are counted up to a bound, and it is said from when on", async () => {
    await query("delete from events");
    const all = Array.from({ length: MOST_COUNTED.free + 5 }, (_, i) => event(START_MS - 10_000_000 + i * 100));
    for (let i = 0; i < all.length; i += 5_000) await storeEvents(...all.slice(i, i + 5_000));
    const text = readable(await page("/gui/events"));
    expect(text).toContain(`${MOST_COUNTED.free} events, counted since`);
  });

  it("are paged to and fro without loss or repetition", async () => {
    await query("delete from events");
    await storeEvents(
      ...Array.from({ length: 250 }, (_, i) => event(START_MS - 1_000 - i, { message: `number ${i}` })),
    );
    const link = (html: string, rel: string) =>
      html.match(new RegExp(`<a rel="${rel}" href="([^"]+)"`))?.[1]?.replaceAll("&amp;", "&");
    const first = await page("/gui/events?level=info");
    const second = await page(link(first, "next") ?? "");
    const third = await page(link(second, "next") ?? "");
    expect(link(third, "next")).toBeUndefined();
    const lists = [first, second, third].map((html) => itemsOf(html, "event"));
    expect(lists.map(({ length }) => length)).toEqual([100, 100, 50]);
    expect(lists.flat().map((text) => text.match(/number (\d+)/)?.[1])).toEqual(
      Array.from({ length: 250 }, (_, i) => String(i)),
    );
    const back = await page(link(third, "prev") ?? "");
    expect(itemsOf(back, "event")).toEqual(lists[1]);
    const start = await page(link(back, "prev") ?? "");
    expect(itemsOf(start, "event")).toEqual(lists[0]);
    expect(link(start, "prev")).toBeUndefined();
  });

  it("that are new come as rows, also those that were stored late", async () => {
    const newest = event(START_MS, { message: "the newest shown" });
    const late = event(START_MS - 5_000, { message: "stored late" });
    const younger = event(START_MS + 1, { message: "younger" });
    const other = event(START_MS + 2, { service: "other" });
    await storeEvents(newest, late, younger, other);
    const { text } = await visitor.open(`/gui/events/new?service=a&after=${newest.id}`);
    const { rows, after } = JSON.parse(text) as { rows: string[]; after: string };
    expect(ulidTimeMs(after)).toBe(START_MS);
    expect(rows.map((html) => html.match(/id="event-(\w+)"/)?.[1])).toEqual([late.id, newest.id, younger.id]);
  });

  it("that are new come in several answers where they are many", async () => {
    const ids = ulids(START_MS, 250);
    await storeEvents(...ids.map((id) => event(START_MS, { id })));
    const got: string[] = [];
    for (let next: string | undefined = ""; next !== undefined; ) {
      const { text } = await visitor.open(`/gui/events/new?after=${ids[0]}${next && `&next=${next}`}`);
      const answer = JSON.parse(text) as { rows: string[]; next?: string };
      got.push(...answer.rows.map((html) => html.match(/id="event-(\w+)"/)?.[1] ?? ""));
      next = answer.next;
    }
    expect(got).toEqual(ids);
  });
});

describe("the alerts", () => {
  it("are those of all services, newest first, filtered by state and service, and paged", async () => {
    await storeAlerts(
      ...Array.from({ length: 60 }, (_, i) =>
        alertRecord(START_MS - i * 1_000, {
          alert: { service: i % 2 ? "odd" : "even", title: `title ${i}.` },
          state: i === 7 ? "failed" : "delivered",
        }),
      ),
    );
    const titles = async (path: string) =>
      itemsOf(await page(path), "alert").map((text) => Number(text.match(/title (\d+)\./)?.[1]));
    expect(await titles("/gui/alerts")).toEqual(Array.from({ length: 50 }, (_, i) => i));
    const next = (await page("/gui/alerts")).match(/rel="next" href="([^"]+)"/)?.[1] ?? "";
    expect(await titles(next)).toEqual(Array.from({ length: 10 }, (_, i) => 50 + i));
    expect(await titles("/gui/alerts?state=failed")).toEqual([7]);
    expect(await titles("/gui/alerts?service=even&state=failed")).toEqual([]);
  });

  it("that were given up are sent again, with all that they said, and counted on", async () => {
    const name = newName();
    let status = 400;
    const received = interceptProviders(({ url }) =>
      url === HOOK.target ? new Response("said", { status }) : accept(),
    );
    await monitorOf(name).pulse(MINUTELY);
    await settle(name);
    const html = await page(`/gui/alerts?service=${encodeURIComponent(name)}&state=failed`);
    const id = html.match(/name="id" value="(\w+)"/)?.[1] ?? "";
    const first = received[0];
    received.length = 0;
    status = 200;
    const { headers } = await visitor.submit("/gui/alerts", { id });
    expect(headers.get("location")).toBe("/gui/alerts?done=resent");
    const death = async () => (await deliveryLog(name)).filter(({ kind }) => kind === "dead");
    expect(await death()).toMatchObject([{ state: "pending", attempts: 1 }]);
    await settle(name);
    expect(received.map(({ body }) => body)).toEqual([first?.body]);
    expect(await death()).toMatchObject([{ state: "delivered", attempts: 2 }]);
    expect(itemsOf(await page("/gui/alerts"), "alert").join()).toMatch(
      /2 attempts .* HTTP 400: said .* HTTP 200: said/,
    );
    // What is not given up is not sent again.
    expect((await visitor.submit("/gui/alerts", { id })).status).toBe(400);
    expect((await visitor.submit("/gui/alerts", { id: ulid(START_MS) })).status).toBe(404);
    expect((await visitor.submit("/gui/alerts", { id: "x" })).status).toBe(400);
  });

  it("are sent again from the service's page, and lead back there", async () => {
    const name = newName();
    interceptProviders(() => new Response("no", { status: 400 }));
    await monitorOf(name).pulse(MINUTELY);
    await settle(name);
    const path = `/gui/services/${encodeURIComponent(name)}`;
    const html = await page(path);
    const [, id = "", back = ""] =
      html.match(/name="id" value="(\w+)"\/><input type="hidden" name="back" value="(\w+)"/) ?? [];
    const { headers } = await visitor.submit("/gui/alerts", { id, back });
    expect(headers.get("location")).toBe(`${path}?done=resent`);
    expect(await page(`${path}?done=resent`)).toContain("The alert is being sent again.");
    expect((await visitor.submit("/gui/alerts", { id, back: "https://elsewhere.example" })).status).toBe(400);
  });

  it("are sent again once, however often that is asked for", async () => {
    const name = newName();
    const received = interceptProviders(() => new Response("no", { status: 400 }));
    await monitorOf(name).pulse(MINUTELY);
    await settle(name);
    const [{ id = "" } = {}] = await query<{ id: string }>(
      "select id from alerts where service = ? and kind = 'dead'",
      name,
    );
    received.length = 0;
    const alert = { id, kind: "dead" as const, service: name, dateMs: START_MS, title: "t", message: "m" };
    await Promise.all([1, 2, 3].map(() => monitorOf(name).sendAgain(alert, HOOK, 1)));
    await settle(name);
    expect(received.filter(({ url }) => url === HOOK.target)).toHaveLength(1);
    const [death] = (await deliveryLog(name)).filter(({ kind }) => kind === "dead");
    expect(death).toMatchObject({ state: "failed", attempts: 2 });
  });
});

describe("the set-up", () => {
  it("says what is configured, and tells no secret", async () => {
    const html = await page("/gui/setup");
    const text = readable(html);
    expect(text).toContain("✔ pushover ready");
    expect(text).toContain("✔ webhook ready: the target is a URL; requests are signed");
    expect(text).toContain("Default alert webhook https://default.example/hook");
    for (const secret of [PASSWORD, "pushover-token", "mailchannels-key", "webhook-secret"]) {
      expect(html).not.toContain(secret);
    }
    visitor = await Visitor.loggedIn({ MAIL_FROM: undefined, PUSHOVER_TOKEN: undefined });
    const lacking = readable(await page("/gui/setup"));
    expect(lacking).toContain("○ pushover not configured: it lacks the secret PUSHOVER_TOKEN");
    expect(lacking).toContain("○ mail not configured: it lacks MAIL_FROM");
  });

  it("sends a test at once, and shows what the provider said", async () => {
    const received = interceptProviders(() => new Response("no <b>such</b> hook", { status: 404 }));
    const { status, text } = await visitor.submit("/gui/setup", { type: "webhook", target: "https://hooks.example/t" });
    expect(status).toBe(200);
    expect(received.map(({ url }) => url)).toEqual(["https://hooks.example/t"]);
    expect(readable(text)).toContain(
      "Not delivered to webhook https://hooks.example/t : HTTP 404: no <b>such</b> hook",
    );
    expect(await query("select * from alerts")).toEqual([]);
  });

  it.each([
    [{ type: "webhook", target: "http://127.0.0.1/" }, "must not be a loopback or private address"],
    [{ type: "pigeon", target: "coop" }, "Type must be one of"],
    [{ type: "webhook", target: "" }, "Target must be given"],
    [{ type: "webhook", target: "https://a.example/".padEnd(2_001, "x") }, "Target must have at most 2000 characters"],
  ])("sends no test to what no alert may go to: %j", async (fields, hint) => {
    const received = interceptProviders(accept);
    const { status, text } = await visitor.submit("/gui/setup", fields as Record<string, string>);
    expect(status).toBe(400);
    expect(readable(text)).toContain(hint);
    expect(readable(text)).not.toContain("alertT");
    // What was filled in is there to be corrected.
    expect(text).toContain(`value="${fields.target}"`);
    expect(received).toEqual([]);
  });
});
