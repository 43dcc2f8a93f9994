import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { EventFields } from "../../../src/domain/event.ts";
import { HOUR_MS, toSeconds } from "../../../src/domain/time.ts";
import { PASSWORD_READ } from "../../support/client.ts";
import { START_MS, useTestClock } from "../../support/clock.ts";
import { itemsOf, readable, Visitor } from "../../support/gui.ts";
import { accept, interceptProviders, MINUTELY, monitorOf } from "../../support/monitor.ts";
import { event, query, storeEvents } from "../../support/rows.ts";

useTestClock();

let visitor: Visitor;
beforeEach(async () => {
  vi.spyOn(env.LOGIN_ATTEMPTS, "limit").mockResolvedValue({ success: true });
  for (const method of ["log", "warn", "error"] as const) vi.spyOn(console, method).mockReturnValue();
  for (const table of ["services", "events", "alerts"]) await query(`delete from ${table}`);
  visitor = await Visitor.loggedIn();
});
afterEach(() => vi.restoreAllMocks());

async function page(path: string, status = 200): Promise<string> {
  const visit = await visitor.open(path);
  expect(visit.status, visit.text).toBe(status);
  return visit.text;
}

const CHARACTERS: Record<string, string> = { "&quot;": '"', "&#39;": "'", "&lt;": "<", "&gt;": ">", "&amp;": "&" };
const unescaped = (text: string) => text.replace(/&[^;]+;/g, (entity) => CHARACTERS[entity] ?? entity);

/** What the box holds. */
const boxOf = (html: string) => unescaped(html.match(/<input type="search" name="q" value="([^"]*)"/)?.[1] ?? "-");
/** Where the fields of the events lead: the search that each address has. */
const fieldsOf = (html: string) =>
  [...html.matchAll(/class="field" href="([^"]+)"/g)].map(([, href = ""]) =>
    new URL(unescaped(href), "https://tower.example").searchParams.get("q"),
  );

const store = (fields: EventFields, message = "m") => storeEvents(event(START_MS - 1_000, { fields, message }));

describe("the search box", () => {
  beforeEach(() =>
    storeEvents(
      event(START_MS - 5_000, { service: "disk", level: 4, message: "Disk full", fields: { host: "web-1", free: 3 } }),
      event(START_MS - 4_000, { service: "disk", level: 3, message: "disk half full", fields: { host: "web-2" } }),
      event(START_MS - 3_000, { service: "web", level: 1, message: "all is well" }),
    ),
  );
  const messages = async (search: string) =>
    itemsOf(await page(`/gui/events?${new URLSearchParams(search)}`), "event").map(
      (text) => text.match(/Disk full|disk half full|all is well/)?.[0],
    );

  it.each<[string, string[]]>([
    ["q=DISK", ["disk half full", "Disk full"]],
    ["q=disk -half", ["Disk full"]],
    ["q=host:web-2 OR well", ["all is well", "disk half full"]],
    ["q=level:>=error", ["Disk full"]],
    ["q=free:<5", ["Disk full"]],
    ["q=full&message=half", ["disk half full"]],
    ["q=full&service=disk&level=error", ["Disk full"]],
    ["q=%20", ["all is well", "disk half full", "Disk full"]],
  ])("finds what the search language says: %s", async (search, expected) => {
    expect(await messages(search)).toEqual(expected);
  });

  it("holds what an address asks for, also by the parameter that came before it", async () => {
    expect(boxOf(await page("/gui/events?q=disk+-half"))).toBe("disk -half");
    expect(boxOf(await page("/gui/events?message=disk+half"))).toBe('"disk half"');
    expect(boxOf(await page("/gui/events"))).toBe("");
    const both = await page("/gui/events?q=full&message=half");
    expect(boxOf(both)).toBe("full");
    expect(both).toContain('<input type="hidden" name="message" value="half"/>');
  });

  it("overrules what a preset says of the message, and nothing else of it", async () => {
    const EVENTS_PRESETS = JSON.stringify([{ name: "half", service: "disk", message: "half" }]);
    visitor = await Visitor.loggedIn({ EVENTS_PRESETS });
    expect(await messages("preset=half")).toEqual(["disk half full"]);
    expect(await messages("preset=half&q=disk OR well")).toEqual(["disk half full", "Disk full"]);
    const html = await page("/gui/events?preset=half");
    expect(boxOf(html)).toBe("");
    expect(html).toContain('placeholder="half"');
    // A click narrows what is seen.
    expect(fieldsOf(html)).toEqual(["half host:web-2"]);
  });

  it.each([
    ['say "no', 5, '"no'],
    ["host:a OR", 10, "…"],
    ["a (b)", 3, "(b)"],
    ["<b>' \"<i>", 6, '"<i>'],
  ])("says where it can't be read: %s", async (q, at, rest) => {
    const html = await page(`/gui/events?${new URLSearchParams({ q, service: "disk" })}`, 400);
    expect(boxOf(html)).toBe(q);
    expect(html).toContain('aria-invalid="true" aria-describedby="search-problem"');
    const [problem = ""] = html.match(/<p [^>]*id="search-problem">.*?<\/p>/s) ?? [];
    expect(readable(problem)).toContain(`The search can't be read at character ${at}: `);
    expect(readable(problem.match(/<mark>.*<\/mark>/s)?.[0] ?? "")).toContain(rest);
    expect(html).toContain('name="service" value="disk"');
    expect(html).not.toContain('data-events=""');
    expect(html).not.toContain("<b>");
    expect((await visitor.open(`/gui/events/new?${new URLSearchParams({ q })}`)).status).toBe(400);
  });

  it("says so where a search is too long", async () => {
    expect(readable(await page(`/gui/events?q=${"x".repeat(1_001)}`, 400))).toContain(
      "The search must not have more than 1000 characters.",
    );
  });

  it("has a help whose examples are searches", async () => {
    const html = await page("/gui/events");
    const [help = ""] = html.match(/<details class="help">.*?<\/details>/s) ?? [];
    const links = [...help.matchAll(/href="([^"]+)"/g)].map(([, href = ""]) => unescaped(href));
    expect(links.length).toBeGreaterThan(5);
    for (const link of links) {
      const { searchParams } = new URL(link, "https://tower.example");
      expect(boxOf(await page(link))).toBe(searchParams.get("q"));
    }
  });

  it("leads to a rule of the same, for who may write one", async () => {
    const ruleOf = (html: string) => {
      const [, href] = html.match(/<a href="(\/gui\/rules\?[^"]+)">Rule from this search/) ?? [];
      return href && new URL(unescaped(href), "https://tower.example").searchParams.get("q");
    };
    expect(ruleOf(await page("/gui/events?q=full+OR+well&service=disk&level=error&message=x+y"))).toBe(
      'full "x y" service:disk level:>=error OR well "x y" service:disk level:>=error',
    );
    expect(ruleOf(await page("/gui/events"))).toBeUndefined();
    visitor = new Visitor();
    await visitor.submit("/gui/login", { password: PASSWORD_READ });
    expect(ruleOf(await page("/gui/events?q=full"))).toBeUndefined();
  });
});

describe("the fields of an event", () => {
  it("are shown, each a link that adds it to the search", async () => {
    await store({ host: "web-1", status: 503, isLast: true, level: "deep", empty: "" });
    const html = await page("/gui/events?since=3600");
    expect(itemsOf(html, "event")[0]).toContain("m host = web-1 status = 503 isLast = true level = deep empty =");
    expect(fieldsOf(html)).toEqual(["host:web-1", "status:503", "isLast:true", "field.level:deep"]);
    const narrowed = await page("/gui/events?q=m+OR+n&level=info");
    expect(fieldsOf(narrowed)[0]).toBe("m host:web-1 OR n host:web-1");
    const [, href = ""] = narrowed.match(/class="field" href="([^"]+)"/) ?? [];
    expect(href).toContain("level=");
    expect(itemsOf(await page(unescaped(href)), "event")).toHaveLength(1);
    const again = await page("/gui/events?q=host:web-1");
    expect(fieldsOf(again)[0]).toBe("host:web-1");
  });

  it("are cut where they are long or many, and whole in a fold", async () => {
    await store({ long: `${"x".repeat(60)}end` });
    const html = await page("/gui/events");
    expect(itemsOf(html, "event")[0]).toContain(`long = ${"x".repeat(40)}… All fields long ${"x".repeat(60)}end`);
    await query("delete from events");
    await store(Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`f${i}`, i])));
    const many = await page("/gui/events");
    expect(fieldsOf(many)).toHaveLength(8);
    expect(itemsOf(many, "event")[0]).toContain("f7 = 7 All fields f0 0 f1 1");
    await query("delete from events");
    await store({ short: "x" });
    expect(await page("/gui/events")).not.toContain("All fields");
  });

  it("that are too long to be searched for lead nowhere", async () => {
    await store({ short: "x", long: "y".repeat(1_000) });
    expect(fieldsOf(await page("/gui/events"))).toEqual(["short:x"]);
  });

  it("are no markup, whatever they hold, and are found by their links", async () => {
    const hostile = `<img src=x onerror=alert(1)>"'&\\`;
    await store({ [hostile]: hostile });
    const html = await page("/gui/events");
    expect(html).not.toContain("<img");
    const [, href = ""] = html.match(/class="field" href="([^"]+)"/) ?? [];
    expect(itemsOf(await page(unescaped(href)), "event")).toHaveLength(1);
    expect(await page(unescaped(href))).not.toContain("<img");
  });

  it("lead from a service's page to its events", async () => {
    interceptProviders(accept);
    await monitorOf("a").pulse(MINUTELY);
    await store({ host: "web-1" });
    const [, href = ""] = (await page("/gui/services/a")).match(/class="field" href="([^"]+)"/) ?? [];
    expect(unescaped(href)).toBe("/gui/events?service=a&since=604800&q=host%3Aweb-1");
    await monitorOf("a").forget();
  });
});

describe("an export from the page of events", () => {
  it("has what the page's address asks for, also by preset and zone", async () => {
    const EVENTS_PRESETS = JSON.stringify([{ name: "disks", service: "disk", message: "full" }]);
    const rows = [
      event(START_MS - 3 * HOUR_MS, { service: "disk", message: "full, old" }),
      event(START_MS - HOUR_MS, { service: "disk", message: '=full "x"', fields: { host: "a" } }),
      event(START_MS - HOUR_MS, { service: "web", message: "full" }),
    ];
    await storeEvents(...rows);
    visitor = await Visitor.loggedIn({ EVENTS_PRESETS, BULK_READER: undefined });
    const lines = async (search: string) => {
      const { status, text, headers } = await visitor.open(`/gui/events/export?${search}`);
      expect(status, text).toBe(200);
      expect(headers.get("content-disposition")).toMatch(/^attachment; /);
      expect(headers.get("cache-control")).toBe("no-store");
      return text.trim().split(/\r?\n/);
    };
    const csv = await lines("format=csv&preset=disks&since=7200");
    expect(csv[0]).toBe("id,date,service,level,message,alert,fields");
    expect(csv).toHaveLength(2);
    expect(csv[1]).toContain(`${rows[1]?.id},${toSeconds(START_MS - HOUR_MS)},disk`);
    const found = (await lines("format=ndjson&q=host:a&live=1")).map((line) => JSON.parse(line));
    expect(found).toMatchObject([{ id: rows[1]?.id, fields: { host: "a" } }]);
    const zoned = "from=2040-01-01T09:30&to=2040-01-01T11:30&zone=Europe/Paris";
    expect((await lines(`format=ndjson&${zoned}`)).map((line) => JSON.parse(line).id)).toEqual([rows[0]?.id]);
    for (const search of ["format=csv&q=(", "format=xml", "", "format=csv&from=x"]) {
      expect((await visitor.open(`/gui/events/export?${search}`)).status, search).toBe(400);
    }
  });

  it("is what the page links to", async () => {
    const html = await page("/gui/events?q=disk+OR+web&level=info&since=7200&live=1");
    const links = [...html.matchAll(/href="(\/gui\/events\/export[^"]+)"/g)].map(([, href]) =>
      href?.replaceAll("&amp;", "&"),
    );
    expect(links).toEqual(
      ["ndjson", "csv"].map((format) => `/gui/events/export?since=7200&level=1&q=disk+OR+web&format=${format}`),
    );
  });
});
