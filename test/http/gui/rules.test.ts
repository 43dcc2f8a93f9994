import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RULE_LIMITS, type Rule } from "../../../src/domain/rule.ts";
import { HOUR_MS } from "../../../src/domain/time.ts";
import { storeEvents } from "../../../src/monitor/event-store.ts";
import { ruleBook } from "../../../src/monitor/rule-book.ts";
import { openDatabase } from "../../../src/storage/database.ts";
import { listRules, writeRule } from "../../../src/storage/rules.ts";
import { START_MS, useTestClock } from "../../support/clock.ts";
import { itemsOf, readable, Visitor } from "../../support/gui.ts";
import { accept, DEFAULT_HOOK, HOOK, interceptProviders, runAlarm } from "../../support/monitor.ts";
import { alertRecord, event, query, storeAlerts } from "../../support/rows.ts";

useTestClock();

let visitor: Visitor;
beforeEach(async () => {
  vi.setSystemTime(START_MS);
  vi.spyOn(env.LOGIN_ATTEMPTS, "limit").mockResolvedValue({ success: true });
  for (const method of ["log", "warn", "error"] as const) vi.spyOn(console, method).mockReturnValue();
  for (const table of ["services", "events", "alerts", "rules"]) await query(`delete from ${table}`);
  ruleBook.changed();
  visitor = await Visitor.loggedIn();
});
afterEach(() => vi.restoreAllMocks());

const FORM = {
  action: "save",
  is: "new",
  name: "errors",
  q: "level:>=error -retry",
  count: "3",
  seconds: "60",
  quiet: "15",
  alertType: "",
  alertTarget: "",
};

const RULE: Rule = {
  name: "errors",
  q: "level:>=error -retry",
  target: HOOK,
  count: 3,
  seconds: 60,
  quietSeconds: 900,
  writtenMs: START_MS,
};

const stored = () => listRules(openDatabase(env.DB));
const write = (fields: Partial<Rule> = {}) => writeRule(openDatabase(env.DB), { ...RULE, ...fields });
const submit = (fields: Partial<typeof FORM> = {}) => visitor.submit("/gui/rules", { ...FORM, ...fields });

async function page(path = "/gui/rules"): Promise<string> {
  const { status, text } = await visitor.open(path);
  expect(status, text).toBe(200);
  return text;
}

/** What is said to be wrong with a field. */
const wrongOf = (html: string, name: string) =>
  readable(html.match(new RegExp(`<p class="wrong" id="wrong-${name}">.*?</p>`, "s"))?.[0] ?? "");

/** Expects that the form holds what was filled in, whatever field it is in. */
function expectKept(html: string, { action: _, is, alertType, ...fields }: typeof FORM): void {
  const heldBy = (name: string) => readable(html.match(new RegExp(`name="${name}" value="([^"]*)"`))?.[1] ?? "none");
  expect(html).toContain(`<input type="hidden" name="is" value="${is}"`);
  for (const [name, value] of Object.entries(fields)) expect(heldBy(name), name).toBe(value);
  expect(html.match(/<option value="([^"]*)" selected="">/)?.[1] ?? "").toBe(alertType);
}

describe("the rules", () => {
  it("are listed with what they look for, when they tell, whom, and when they did", async () => {
    await write();
    await write({ name: "a first", q: "disk", count: 1, quietSeconds: 3_600 });
    await storeAlerts(
      alertRecord(START_MS - 2 * HOUR_MS, { alert: { kind: "event", title: "Rule errors: 12 events" } }),
      alertRecord(START_MS - 3 * HOUR_MS, { alert: { kind: "event", title: "Rule errors: 1 event" } }),
      alertRecord(START_MS - HOUR_MS, { alert: { kind: "event", title: "Rule errors: too: 1 event" } }),
      alertRecord(START_MS - HOUR_MS, { alert: { kind: "dead", title: "Rule a first: 1 event" } }),
    );
    const html = await page();
    expect(itemsOf(html, "rule")).toEqual([
      `a first disk each event, then quiet for 1 h webhook ${HOOK.target} no alert of late Change Delete… Delete it`,
      `errors level:>=error -retry 3 events within 1 min, then quiet for 15 min webhook ${HOOK.target} last alert 2 h ago Change Delete… Delete it`,
    ]);
    expect(html).toContain('href="/gui/events?q=level%3A%3E%3Derror+-retry"');
  });

  it("have told when an alert of theirs is in the log", async () => {
    await write({ count: 1, q: "hello" });
    await storeEvents(env, [event(START_MS, { service: "told", message: "hello" })]);
    await runDurableObjectAlarm(env.RULE_MONITOR.getByName("errors"));
    interceptProviders(accept);
    await runAlarm("told", START_MS);
    expect(itemsOf(await page(), "rule")[0]).toContain("last alert 0 s ago");
  });

  it("are none at first, and then there is a form", async () => {
    const text = readable(await page());
    expect(text).toContain("No rules.");
    expect(text).toContain("New rule");
    expect(text).toContain("default: webhook");
  });

  it("are no markup, whatever they hold", async () => {
    const hostile = `<img src=x onerror=alert(1)>"'&`;
    await write({ name: hostile, q: `"<script>" ${hostile.replace('"', "")}` });
    for (const path of ["/gui/rules", `/gui/rules?${new URLSearchParams({ name: hostile })}`]) {
      const html = await page(path);
      expect(html).not.toMatch(/<img|<script>/);
      expect(readable(html)).toContain(hostile);
    }
    expect((await submit({ is: "known", name: hostile })).status).toBe(303);
    expect((await stored()).map(({ name, q }) => [name, q])).toEqual([[hostile, FORM.q]]);
    const { headers } = await visitor.submit("/gui/rules", { name: hostile, action: "delete" });
    expect(headers.get("location")).toBe("/gui/rules?done=unruled");
    expect(await stored()).toEqual([]);
  });
});

describe("the form of a rule", () => {
  it("writes one, for the default target or another", async () => {
    const { status, headers } = await submit();
    expect([status, headers.get("location")]).toEqual([303, "/gui/rules?done=ruled"]);
    expect(readable(await page("/gui/rules?done=ruled"))).toContain("The rule is saved.");
    expect(await stored()).toEqual([{ ...RULE, target: { type: "webhook", target: DEFAULT_HOOK } }]);
    await submit({ name: "second", alertType: HOOK.type, alertTarget: HOOK.target, quiet: "1.5" });
    expect((await stored())[1]).toMatchObject({ name: "second", target: HOOK, quietSeconds: 90 });
  });

  it("is filled in with a rule that is to be changed, and changes that one", async () => {
    await write({ quietSeconds: 100 });
    const html = await page("/gui/rules?name=errors");
    expect(html).toMatch(/<input name="name" value="errors"[^>]* readonly=""/);
    for (const value of ["level:&gt;=error -retry", "3", "60", "1.6667", HOOK.target]) {
      expect(html).toContain(`value="${value}"`);
    }
    expect(html).toContain('<option value="webhook" selected="">');
    await submit({ is: "known", quiet: "1.6667", q: "disk" });
    expect(await stored()).toMatchObject([{ name: "errors", q: "disk", quietSeconds: 100 }]);
    expect((await visitor.open("/gui/rules?name=nobody")).status).toBe(404);
  });

  it("is filled in with the search that one comes from", async () => {
    expect(await page("/gui/rules?q=level%3A%3E%3Derror")).toContain('name="q" value="level:&gt;=error"');
  });

  it.each<[Partial<typeof FORM>, keyof typeof FORM, string]>([
    [{ name: "" }, "name", "The rule's name must have 1 to 200 characters"],
    [{ name: "x".repeat(201) }, "name", "The rule's name must have 1 to 200 characters"],
    [{ q: "" }, "q", "Say what to look for"],
    [{ q: "x".repeat(1_001), count: "9" }, "q", "must not have more than 1000 characters"],
    [{ q: "a (b)" }, "q", "The search can't be read at character 3: there are no parentheses"],
    [{ count: "0" }, "count", "The number of events must be an integer from 1 to 1000."],
    [{ count: "many" }, "count", "The number of events must be an integer from 1 to 1000."],
    [{ seconds: "86401" }, "seconds", "The seconds must be an integer from 1 to 86400."],
    [{ quiet: "0.5" }, "quiet", "The minutes must be a number from 1 to 10080."],
    [{ alertType: "webhook" }, "alertTarget", "The target must be given."],
    [{ alertTarget: "https://hooks.example/x" }, "alertTarget", "Choose the type of this target, too."],
    [{ alertType: "webhook", alertTarget: "http://127.0.0.1/" }, "alertTarget", "must not be a loopback"],
    [{ alertType: "pigeon", alertTarget: "coop" }, "alertTarget", "Type must be one of"],
  ])("says at the field what is wrong, and keeps what was filled in: %j", async (fields, name, hint) => {
    const { status, text } = await submit(fields);
    expect(status).toBe(400);
    expect(wrongOf(text, name)).toContain(hint);
    expect(text).toMatch(new RegExp(`name="${name}"[^>]*aria-invalid="true" aria-describedby="wrong-${name}"`));
    expect(text.match(/class="wrong"/g)).toHaveLength(1);
    expectKept(text, { ...FORM, ...fields });
    expect(await stored()).toEqual([]);
  });

  it("says all that is wrong at once", async () => {
    const { text } = await submit({ name: "", q: "(", count: "x" });
    expect(["name", "q", "count"].map((name) => wrongOf(text, name) !== "")).toEqual([true, true, true]);
    const empty = await visitor.submit("/gui/rules", { x: "y" });
    expect(empty.status).toBe(400);
  });

  it("asks whom to tell where there is no default", async () => {
    visitor = await Visitor.loggedIn({ DEFAULT_ALERT_TYPE: undefined, DEFAULT_ALERT_TARGET: undefined });
    const { status, text } = await submit();
    expect(status).toBe(400);
    expect(wrongOf(text, "alertTarget")).toContain("no default is configured");
  });

  it("overwrites no rule that is not seen", async () => {
    await write();
    const { status, text } = await submit({ q: "other" });
    expect(status).toBe(400);
    expect(wrongOf(text, "name")).toContain("There is a rule of this name");
    expect(await stored()).toMatchObject([{ q: RULE.q }]);
  });

  it("makes no more rules than there may be", async () => {
    for (let i = 0; i < RULE_LIMITS.rules; i++) await write({ name: `rule ${i}` });
    const given = { q: "disk <full>", count: "7", alertType: HOOK.type, alertTarget: HOOK.target };
    const { status, text } = await submit(given);
    expect(status).toBe(400);
    const [form = ""] = text.match(/<section class="card" id="form">.*?<\/section>/s) ?? [];
    expect(readable(form.match(/<p class="banner problem" role="alert">.*?<\/p>/s)?.[0] ?? "")).toContain(
      `There must not be more than ${RULE_LIMITS.rules} rules`,
    );
    expectKept(form, { ...FORM, ...given });
    expect(itemsOf(text, "rule")).toHaveLength(RULE_LIMITS.rules);
    expect(await stored()).toHaveLength(RULE_LIMITS.rules);
    // One of those that there are can be changed all the same.
    expect((await submit({ ...given, is: "known", name: "rule 7" })).status).toBe(303);
  });

  it("deletes none that is not there, and does nothing that it does not know", async () => {
    expect((await visitor.submit("/gui/rules", { action: "delete", name: "nobody" })).status).toBe(404);
    expect((await visitor.submit("/gui/rules", { action: "delete" })).status).toBe(404);
  });
});
