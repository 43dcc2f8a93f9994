import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openDatabase } from "../../../src/storage/database.ts";
import { writeRule } from "../../../src/storage/rules.ts";
import { PASSWORD, PASSWORD_PREVIOUS, PASSWORD_READ } from "../../support/client.ts";
import { START_MS, useTestClock } from "../../support/clock.ts";
import { readable, Visitor } from "../../support/gui.ts";
import { DEFAULT_HOOK, interceptProviders, MINUTELY, monitorOf, settle } from "../../support/monitor.ts";
import { alertRecord, query, storeAlerts } from "../../support/rows.ts";

useTestClock();

const SECRET = "T0SECRET";
const TARGETS = [
  { type: "webhook", target: `https://hooks.example/${SECRET}` },
  { type: "pushover", target: `uQi${SECRET}DXghDmr9QzzfQu27cm` },
  { type: "mail", target: `${SECRET}@example.com` },
] as const;

let reader: Visitor;
beforeEach(async () => {
  vi.setSystemTime(START_MS);
  vi.spyOn(env.LOGIN_ATTEMPTS, "limit").mockResolvedValue({ success: true });
  for (const method of ["log", "warn", "error"] as const) vi.spyOn(console, method).mockReturnValue();
  for (const table of ["services", "events", "alerts", "transitions", "rules"]) await query(`delete from ${table}`);
  reader = await loggedInBy(PASSWORD_READ);
});
afterEach(() => vi.restoreAllMocks());

async function loggedInBy(password: string, variables?: ConstructorParameters<typeof Visitor>[0]): Promise<Visitor> {
  const visitor = new Visitor(variables);
  await visitor.submit("/gui/login", { password });
  return visitor;
}

/** A service that died, of which nobody could be told, by providers that repeat all that they got. */
async function died(service: string): Promise<void> {
  interceptProviders(({ url, body }) => new Response(`no ${url} ${JSON.stringify(body)}`, { status: 400 }));
  const [target, ...furtherTargets] = TARGETS;
  await monitorOf(service).pulse({ ...MINUTELY, target, furtherTargets });
  for (const [i, target] of TARGETS.entries()) {
    const rule = { name: `rule ${i}`, q: "x", target, count: 1, seconds: 60, quietSeconds: 60, writtenMs: START_MS };
    await writeRule(openDatabase(env.DB), rule);
  }
  await settle(service);
}

const PAGES = [
  "/gui",
  "/gui/refresh?after=0",
  "/gui/services/read",
  "/gui/events",
  "/gui/events/new",
  "/gui/events/export?format=csv",
  "/gui/alerts",
  "/gui/rules",
  "/gui/setup",
];

describe("who logs in with the password that reads", () => {
  it("sees every page, without anything to change something by", async () => {
    await died("read");
    for (const path of PAGES) {
      const { status, text } = await reader.open(path);
      expect(status, path).toBe(200);
      const forms = [...text.matchAll(/<form [^>]*method="post"[^>]*>/g)].map(([form]) => form);
      expect(forms, path).toEqual(text.startsWith("<!doctype") ? ['<form method="post" action="/gui/logout">'] : []);
      expect(text, path).not.toMatch(/name="action"/);
    }
    const admin = await Visitor.loggedIn();
    for (const path of ["/gui/services/read", "/gui/alerts", "/gui/rules", "/gui/setup"]) {
      expect((await admin.open(path)).text.match(/method="post"/g)?.length, path).toBeGreaterThan(1);
    }
  });

  it("sees nowhere where somebody is reached, not even in what providers answered", async () => {
    await died("read");
    await storeAlerts(alertRecord(START_MS, { target: { type: "webhook", target: DEFAULT_HOOK } }));
    for (const path of PAGES) {
      const { text } = await reader.open(path);
      expect(text, path).not.toContain(SECRET);
      expect(text, path).not.toContain(DEFAULT_HOOK);
    }
    const masked = ["https://hooks.example/…", "uQi…", "T…@example.com"];
    for (const path of ["/gui/services/read", "/gui/rules"]) {
      const text = readable((await reader.open(path)).text);
      for (const target of masked) expect(text, path).toContain(target);
    }
    expect(readable((await reader.open("/gui/setup")).text)).toContain("webhook https://default.example/…");
    const admin = readable((await (await Visitor.loggedIn()).open("/gui/services/read")).text);
    for (const { target } of TARGETS) expect(admin).toContain(target);
  });

  it("is told so on each page, and who may do everything is not", async () => {
    const admin = await Visitor.loggedIn();
    for (const path of ["/gui", "/gui/events", "/gui/alerts", "/gui/rules", "/gui/setup"]) {
      expect(readable((await reader.open(path)).text), path).toContain("Set-up read only Log out");
      expect(readable((await admin.open(path)).text), path).not.toContain("read only");
    }
  });

  it.each<[string, Record<string, string>]>([
    ["/gui/services/read", { action: "cancel" }],
    ["/gui/services/read", { action: "forget" }],
    ["/gui/services/read", { action: "pause", minutes: "60" }],
    ["/gui/services/read", { action: "test" }],
    ["/gui/alerts", { id: "0000000000ABCDEFGHJKMNPQRS" }],
    ["/gui/rules", { is: "new", name: "x", q: "x", count: "1", seconds: "1", quiet: "1", action: "save" }],
    ["/gui/rules", { name: "kept", action: "delete" }],
    ["/gui/setup", { type: "webhook", target: "https://hooks.example/x" }],
  ])("changes nothing by a form that is sent to %s all the same: %j", async (path, fields) => {
    await monitorOf("read").pulse(MINUTELY);
    const kept = { name: "kept", q: "x", target: TARGETS[0], count: 1, seconds: 60, quietSeconds: 60, writtenMs: 1 };
    await writeRule(openDatabase(env.DB), kept);
    const sent = interceptProviders(() => new Response("ok"));
    const { status, text } = await reader.submit(path, fields);
    expect(status).toBe(403);
    expect(readable(text)).toContain("This password only reads: it changes nothing.");
    expect(await monitorOf("read").snapshot()).toMatchObject({ status: "alive" });
    expect(await monitorOf("read").snapshot()).not.toHaveProperty("pauseUntil");
    expect(sent).toEqual([]);
    expect(await query("select name from rules")).toEqual([{ name: "kept" }]);
  });

  it("can log out", async () => {
    await reader.submit("/gui/logout", {});
    expect(reader.cookie).toBeUndefined();
  });
});

describe("a session", () => {
  const isIn = async (visitor: Visitor) => (await visitor.open("/gui")).status === 200;

  it("is not begun by the previous password, which is for programs", async () => {
    expect((await loggedInBy(PASSWORD_PREVIOUS)).cookie).toBeUndefined();
  });

  it.each([
    ["PASSWORD", PASSWORD, true, false],
    ["PASSWORD_READ", PASSWORD_READ, false, true],
  ])("ends when its own password changes, and only then: %s", async (name, _, adminEnds, readerEnds) => {
    const { cookie: adminCookie } = await Visitor.loggedIn();
    for (const value of ["another", ...(name === "PASSWORD_READ" ? [undefined] : [])]) {
      const later = new Visitor({ [name]: value });
      later.cookie = adminCookie;
      expect(await isIn(later)).toBe(!adminEnds);
      later.cookie = reader.cookie;
      expect(await isIn(later)).toBe(!readerEnds);
    }
  });

  it("of a reader is not made one of who may do everything", async () => {
    const forged = new Visitor();
    forged.cookie = reader.cookie?.replace("reader", "admin");
    expect(forged.cookie).toMatch(/^watchtower=admin-/);
    expect(await isIn(forged)).toBe(false);
    const { cookie } = await Visitor.loggedIn();
    forged.cookie = cookie?.replace("admin", "reader");
    expect(await isIn(forged)).toBe(false);
  });

  it("of a reader stays one where both passwords are the same, which lets in who may do everything", async () => {
    const variables = { PASSWORD_READ: PASSWORD };
    expect((await loggedInBy(PASSWORD, variables)).cookie).toMatch(/^watchtower=admin-/);
  });
});
