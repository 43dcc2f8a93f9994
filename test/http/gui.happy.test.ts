import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { visit } from "../support/app.ts";
import { PASSWORD } from "../support/client.ts";
import { START_MS, useTestClock } from "../support/clock.ts";
import { HOOK } from "../support/monitor.ts";
import { event, query, snapshot, storeEvents, storeServices } from "../support/rows.ts";

useTestClock();

const NOW = START_MS / 1_000;
const BASIC = { authorization: `Basic ${btoa(`anybody:${PASSWORD}`)}` };

/** The page as text, one line for each row of its tables. */
async function page(variables = {}): Promise<{ html: string; rows: string[] }> {
  const { status, headers, body: html } = await visit("GET", "/gui", BASIC, variables);
  expect(status).toBe(200);
  expect(headers.get("content-type")).toBe("text/html; charset=UTF-8");
  const rows = [...html.matchAll(/<tr>(.*?)<\/tr>/gs)].map(([, row = ""]) =>
    row
      .replace(/<[^>]+>/g, " ")
      .replace(/\s+/g, " ")
      .trim(),
  );
  return { html, rows };
}

beforeEach(async () => {
  await query("delete from services");
  await query("delete from events");
});

describe("the web interface", () => {
  it("is a whole page, in standards mode, with its style sheet", async () => {
    const { html } = await page();
    expect(html).toMatch(/^<!doctype html><html lang="en">/i);
    expect(html).toContain('<link rel="stylesheet" href="/gui/style.css"/>');
  });

  it("says that there is nothing, where there is nothing", async () => {
    const { html } = await page();
    expect(html).toContain("No service has pulsed yet.");
    expect(html).toContain("None.");
    expect(html).toContain("<title>watchTower</title>");
  });

  it("shows the dead first, then who is due next, the cancelled last", async () => {
    await storeServices(
      snapshot("alive, due in an hour", { last: NOW, nextIn: 3_600 }),
      snapshot("alive, due in a minute", { last: NOW, nextIn: 60 }),
      snapshot("cancelled", { status: "cancelled", last: NOW - 9_000 }),
      snapshot("dead for a day", { status: "dead", last: NOW - 90_000, nextIn: 3_600 }),
      snapshot("dead for a minute", { status: "dead", last: NOW - 120, nextIn: 60 }),
    );
    const { html, rows } = await page();
    expect(rows.slice(1)).toEqual([
      "✖ dead dead for a day 1 d 1 h ago 1 d overdue webhook",
      "✖ dead dead for a minute 2 min ago 1 min overdue webhook",
      "● alive alive, due in a minute 0 s ago within 1 min webhook",
      "● alive alive, due in an hour 0 s ago within 1 h webhook",
      "○ cancelled cancelled 2 h 30 min ago not expected webhook",
    ]);
    expect(html).toContain("<title>2 dead · watchTower</title>");
  });

  it("shows the newest 20 events of the last 24 hours, with dates in the configured time zone", async () => {
    await storeEvents(
      event(START_MS - 25 * 3_600_000, { service: "s", message: "too old" }),
      ...Array.from({ length: 25 }, (_, i) =>
        event(START_MS - i * 1_000, { service: "s", level: i % 8, message: `number ${i}.` }),
      ),
    );
    const { rows } = await page({ TIMEZONE: "Europe/Paris" });
    expect(rows).toHaveLength(21);
    expect(rows[0]).toContain("Date (Europe/Paris)");
    expect(rows[1]).toBe("2040-01-01 13:00:00 debug s number 0.");
    expect(rows[5]).toBe("2040-01-01 12:59:56 error s number 4.");
    expect(rows.at(-1)).toContain("number 19.");
  });

  it("asks the objects of those who are late, as every list does", async () => {
    await env.SERVICE_MONITOR.getByName("really fine").pulse({ nextInSeconds: 60, target: HOOK });
    await query("update services set last = last - 100");
    const { rows } = await page();
    expect(rows.slice(1)).toEqual(["● alive really fine 0 s ago within 1 min webhook"]);
  });
});
