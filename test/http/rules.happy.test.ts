import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RULE_LIMITS, type Watch } from "../../src/domain/rule.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/time.ts";
import { ulid } from "../../src/domain/ulid.ts";
import { storeEvents } from "../../src/monitor/event-store.ts";
import { ruleBook } from "../../src/monitor/rule-book.ts";
import { runBufferAlarm } from "../support/buffer.ts";
import { call, PASSWORD_READ } from "../support/client.ts";
import { advance, START_MS, useTestClock } from "../support/clock.ts";
import { accept, breakD1, DEFAULT_HOOK, eventsOf, HOOK, interceptProviders, settle } from "../support/monitor.ts";
import { event, query } from "../support/rows.ts";

useTestClock();

const TARGET = { alertType: HOOK.type, alertTarget: HOOK.target };
const pathOf = (name: string) => `/rules/${encodeURIComponent(name)}`;
const put = (name: string, body: object) => call("PUT", pathOf(name), { body });
const watchOf = (name: string) =>
  runInDurableObject(env.RULE_MONITOR.getByName(name), (_, { storage }) => storage.kv.get<Watch>("watch"));
const happen = (fields: object) => call("POST", "/event", { body: { service: "web", message: "hello", ...fields } });

beforeEach(async () => {
  vi.setSystemTime(START_MS);
  await query("delete from rules");
  ruleBook.changed();
});
afterEach(() => vi.restoreAllMocks());

describe("a rule", () => {
  it("is written, read, listed by name, written anew and deleted", async () => {
    const q = 'level:>=error -"connection lost" host:web-1 OR disk';
    const written = await put("errors", { q, ...TARGET, count: "3", seconds: 10, quiet: 60 });
    const rule = { name: "errors", q, ...TARGET, count: 3, seconds: 10, quiet: 60 };
    expect(written).toMatchObject({ status: 200, body: { result: 200, rule } });
    expect((await call("GET", pathOf("errors"))).body).toEqual({ result: 200, rule });
    const anew = await put("errors", { q: "disk" });
    const defaults = { count: 1, seconds: 60, quiet: 900 };
    const changed = { name: "errors", q: "disk", alertType: "webhook", alertTarget: DEFAULT_HOOK, ...defaults };
    expect(anew.body).toEqual({ result: 200, rule: changed });
    await put("a first", { q: "x" });
    const names = async () => (await call("GET", "/rules")).body.rules.map((rule: { name: string }) => rule.name);
    expect(await names()).toEqual(["a first", "errors"]);
    expect(await call("DELETE", pathOf("errors"))).toMatchObject({
      status: 200,
      body: { result: 200, name: "errors" },
    });
    expect(await names()).toEqual(["a first"]);
    expect((await call("DELETE", pathOf("errors"))).status).toBe(404);
    expect((await call("GET", pathOf("errors"))).status).toBe(404);
  });

  it.each(["a/b", "%2F", "with space", "é😀", "line\u2028separator", "?q=#x", "x".repeat(200)])(
    "may be called %j",
    async (name) => {
      expect((await put(name, { q: "x" })).body.rule.name).toBe(name);
      expect((await call("GET", pathOf(name))).body.rule.name).toBe(name);
      expect((await call("DELETE", pathOf(name))).body).toEqual({ result: 200, name });
    },
  );

  it("is later than the one that it replaces, also where the clock steps back", async () => {
    await put("errors", { q: "x" });
    vi.setSystemTime(START_MS - HOUR_MS);
    await put("errors", { q: "y" });
    expect(await query("select q, written_ms from rules")).toEqual([{ q: "y", written_ms: START_MS + 1 }]);
  });

  it("is one of a hundred at the most; one of those may be written anew", async () => {
    for (let i = 0; i < RULE_LIMITS.rules; i++) expect((await put(`rule ${i}`, { q: "x" })).status).toBe(200);
    expect(await put("one more", { q: "x" })).toMatchObject({ status: 400, body: { code: "invalid_input" } });
    expect((await put("rule 7", { q: "y" })).status).toBe(200);
    expect((await call("GET", "/rules")).body.rules).toHaveLength(RULE_LIMITS.rules);
  });

  it("has warnings of a target that can't be used yet", async () => {
    const { body } = await put("errors", { q: "x", alertType: "mail", alertTarget: "not an address" });
    expect(body.warnings).toEqual([expect.stringContaining("alertTarget")]);
  });

  it("is seen by a reader, its target masked", async () => {
    await put("errors", { q: "x", ...TARGET });
    const headers = { password: PASSWORD_READ };
    const masked = { alertType: "webhook", alertTarget: "https://hooks.example/…" };
    expect((await call("GET", "/rules", { headers })).body.rules).toMatchObject([masked]);
    expect((await call("GET", pathOf("errors"), { headers })).body.rule).toMatchObject(masked);
  });
});

describe("an event that matches", () => {
  it("raises an alert of the rule, which tells of it, and of those that follow only after the quiet time", async () => {
    const received = interceptProviders(accept);
    await put("disk errors", { q: "level:>=error disk", ...TARGET });
    await happen({ level: 4, message: "The disk is full." });
    await happen({ level: 4, message: "The DISK is still full." });
    await happen({ level: 3, message: "The disk is nearly full." });
    await happen({ level: 4, message: "Out of paper" });
    const rule = env.RULE_MONITOR.getByName("disk errors");
    await runDurableObjectAlarm(rule);
    await settle("web");
    expect(received.map(({ body }) => body.title)).toEqual(["Rule disk errors: 1 event"]);
    expect(received[0]?.body.message).toContain("web, error: The disk is full.");
    vi.setSystemTime(START_MS + 900 * SECOND_MS);
    await runDurableObjectAlarm(rule);
    await runDurableObjectAlarm(rule);
    await settle("web");
    expect(received.slice(1).map(({ body }) => body.title)).toEqual(["Rule disk errors: 1 event"]);
    expect(received[1]?.body.message).toContain("The DISK is still full.");
    const alerts = (await call("GET", "/alerts?service=web")).body.alerts;
    expect(alerts.map(({ title, state }: Record<string, string>) => [title, state])).toEqual([
      ["Rule disk errors: 1 event", "delivered"],
      ["Rule disk errors: 1 event", "delivered"],
    ]);
  });

  it("counts for each rule that it matches, and by its fields", async () => {
    await put("by field", { q: "host:web-1", count: 2 });
    await put("all of web", { q: "service:web", count: 2 });
    const fields = { host: "web-1" };
    await storeEvents(env, [event(START_MS, { service: "web", fields }), event(START_MS, { service: "web" })]);
    expect((await watchOf("by field"))?.seenIds).toHaveLength(1);
    expect((await watchOf("all of web"))?.raised?.alert.title).toBe("Rule all of web: 2 events");
  });

  it("is no news where it is dated more than an hour back", async () => {
    await put("all", { q: "service:web" });
    await storeEvents(env, [event(START_MS - HOUR_MS - 1, { service: "web" })]);
    expect(await watchOf("all")).toBeUndefined();
  });

  it("is shown shortened, and not by its whole message in the object", async () => {
    await put("all", { q: "service:web", count: 2 });
    await happen({ message: "x".repeat(60_000) });
    expect((await watchOf("all"))?.examples[0]?.message).toHaveLength(201);
  });

  describe("whose rule's object can't be reached", () => {
    const lost = new Error("Network connection lost.");
    const about = (rule: string) => ({ rule, events: 1, error: `Error: ${lost.message}` });
    /** Puts a rule, makes an event that it matches meet no object of it, and returns what was logged. */
    async function happenUnheard(rule: string, service: string, count: number): Promise<unknown[]> {
      await put(rule, { q: `service:${service}`, count });
      const lines = (["warn", "error"] as const).map((level) => vi.spyOn(console, level).mockReturnValue());
      const observe = vi.fn(() => Promise.reject(lost));
      const unreachable = vi.spyOn(env.RULE_MONITOR, "getByName").mockReturnValue({ observe } as never);
      expect(await happen({ service })).toMatchObject({ status: 200, body: { result: 200 } });
      unreachable.mockRestore();
      expect(await eventsOf(service)).toHaveLength(1);
      return lines.flatMap(({ mock }) => mock.calls.map(([line]) => JSON.parse(line)));
    }

    it("is counted later, once, by way of a buffer that tries again and again", async () => {
      vi.spyOn(Math, "random").mockReturnValue(0);
      const buffer = env.EVENT_BUFFER.getByName("buffer 0");
      expect(await happenUnheard("told later", "unheard", 2)).toEqual([
        { level: "warn", event: "rule.queued", ...about("told later") },
      ]);
      const unreachable = vi.spyOn(env.RULE_MONITOR, "getByName").mockImplementation(() => {
        throw lost;
      });
      await runBufferAlarm(buffer);
      unreachable.mockRestore();
      await evictDurableObject(buffer);
      const observed = vi.spyOn(env.RULE_MONITOR, "getByName");
      // It got through, and its answer did not.
      observed.mockImplementationOnce(((name: string) => ({
        observe: async (...told: [never, never]) => {
          await env.RULE_MONITOR.getByName(name).observe(...told);
          throw lost;
        },
      })) as never);
      await runBufferAlarm(buffer);
      expect((await watchOf("told later"))?.seenIds).toHaveLength(1);
      expect(await runBufferAlarm(buffer)).toBe(true);
      expect(await runBufferAlarm(buffer)).toBe(false);
      expect(await watchOf("told later")).toMatchObject({ seenIds: [expect.any(String)], recentMs: [START_MS] });
      // One more, and there are two.
      await happen({ service: "unheard" });
      expect((await watchOf("told later"))?.raised?.alert.title).toBe("Rule told later: 2 events");
    });

    it("is told of by a buffer that has lost its alarm, once that is looked at", async () => {
      vi.spyOn(Math, "random").mockReturnValue(0);
      const buffer = env.EVENT_BUFFER.getByName("buffer 0");
      await happenUnheard("told after all", "unwoken", 5);
      await runInDurableObject(buffer, (_, { storage }) => storage.deleteAlarm());
      await buffer.wake();
      expect(await runBufferAlarm(buffer)).toBe(true);
      expect((await watchOf("told after all"))?.seenIds).toHaveLength(1);
    });

    it("is stored, and the miss logged, where no buffer can be reached either", async () => {
      vi.spyOn(env.EVENT_BUFFER, "getByName").mockImplementation(() => {
        throw lost;
      });
      expect((await happenUnheard("missed", "missing", 1)).at(-1)).toEqual({
        level: "error",
        event: "rule.missed",
        ...about("missed"),
      });
    });
  });

  it("counts when the object is reached at the second try", async () => {
    await put("second try", { q: "service:web", count: 2 });
    vi.spyOn(env.RULE_MONITOR, "getByName").mockImplementationOnce(
      () => ({ observe: () => Promise.reject(new Error("Network connection lost.")) }) as never,
    );
    await happen({});
    expect((await watchOf("second try"))?.seenIds).toHaveLength(1);
  });
});

describe("an event that is refused", () => {
  it("is told to no rule", async () => {
    await call("PUT", "/rules/refused", { body: { q: "loud" } });
    const observe = vi.fn(async () => {});
    vi.spyOn(env.RULE_MONITOR, "getByName").mockReturnValue({ observe } as never);
    const id = ulid(Date.now());
    expect((await call("POST", "/event", { body: { id, service: "web", message: "quiet" } })).status).toBe(200);
    expect((await call("POST", "/event", { body: { id, service: "web", message: "loud" } })).status).toBe(400);
    expect(observe).not.toHaveBeenCalled();
    expect((await call("POST", "/event", { body: { service: "web", message: "loud" } })).status).toBe(200);
    expect(observe).toHaveBeenCalledOnce();
  });
});

describe("what is known of the rules", () => {
  const rulesRead = () => vi.mocked(env.DB.prepare).mock.calls.filter(([sql]) => /from "rules"/.test(sql)).length;

  it("is read once in 45 seconds, and at once after a change here", async () => {
    vi.spyOn(env.DB, "prepare");
    await happen({});
    advance(44 * SECOND_MS);
    await happen({});
    expect(rulesRead()).toBe(1);
    advance(2 * SECOND_MS);
    await happen({});
    expect(rulesRead()).toBe(2);
    await put("new here", { q: "service:web", count: 2 });
    await happen({});
    expect((await watchOf("new here"))?.seenIds).toHaveLength(1);
    await call("DELETE", pathOf("new here"));
    await happen({});
    expect(await watchOf("new here")).toBeUndefined();
  });

  it("follows a change that was made elsewhere within a minute", async () => {
    await put("elsewhere", { q: "service:other", count: 2 });
    await happen({});
    await query("update rules set q = 'service:web', written_ms = written_ms + 1");
    await happen({});
    expect(await watchOf("elsewhere")).toBeUndefined();
    advance(MINUTE_MS);
    await happen({});
    expect((await watchOf("elsewhere"))?.seenIds).toHaveLength(1);
  });

  it("holds where D1 fails while they are read, and is asked for again ten seconds later", async () => {
    vi.spyOn(console, "warn").mockReturnValue();
    vi.spyOn(console, "error").mockReturnValue();
    vi.spyOn(console, "log").mockReturnValue();
    await put("holds", { q: "service:web", count: 9 });
    await happen({});
    advance(MINUTE_MS);
    const mend = breakD1();
    // It waits in a buffer, and counts all the same.
    expect((await happen({})).body.queued).toBe(true);
    expect((await watchOf("holds"))?.seenIds).toHaveLength(2);
    mend();
    vi.spyOn(env.DB, "prepare");
    await happen({});
    expect(rulesRead()).toBe(0);
    advance(11 * SECOND_MS);
    await happen({});
    expect(rulesRead()).toBe(1);
  });

  it("leaves out a rule that can't be read, which only the console can write", async () => {
    const warn = vi.spyOn(console, "warn").mockReturnValue();
    await put("broken", { q: "x" });
    await put("whole", { q: "service:web", count: 2 });
    await query("update rules set q = '(' where name = 'broken'");
    await happen({});
    expect((await watchOf("whole"))?.seenIds).toHaveLength(1);
    expect(warn.mock.calls.map(([line]) => JSON.parse(line).event)).toEqual(["rule.unreadable"]);
  });
});

describe("where there are no rules", () => {
  it("an event costs its own query alone, and calls no object", async () => {
    await happen({});
    const prepare = vi.spyOn(env.DB, "prepare");
    const calls = vi.spyOn(env.RULE_MONITOR, "getByName");
    await happen({ service: ulid(START_MS) });
    expect([prepare.mock.calls.length, calls.mock.calls.length]).toEqual([1, 0]);
  });
});
