import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Rule, Watch } from "../../src/domain/rule.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/time.ts";
import { ulid } from "../../src/domain/ulid.ts";
import { openDatabase } from "../../src/storage/database.ts";
import { deleteRule, writeRule } from "../../src/storage/rules.ts";
import { advance, START_MS, useTestClock } from "../support/clock.ts";
import {
  accept,
  breakD1,
  deliveryLog,
  HOOK,
  interceptProviders,
  monitorOf,
  NOTHING,
  type Received,
  settle,
  storedIn,
} from "../support/monitor.ts";

useTestClock();

const RULE: Rule = {
  name: "errors",
  q: "level:>=error",
  target: HOOK,
  count: 2,
  seconds: 60,
  quietSeconds: 600,
  writtenMs: START_MS,
};

let names = 0;
let rule: Rule;
let service: string;
let received: Received[];

const database = () => openDatabase(env.DB);
const ruleObject = () => env.RULE_MONITOR.getByName(rule.name);
const matches = (count: number, of = service) => {
  const examples = Array.from({ length: count }, (_, i) => ({
    id: ulid(Date.now()),
    service: of,
    level: 4,
    message: `event ${i}`,
  }));
  return { ids: examples.map(({ id }) => id), examples: examples.slice(0, 3) };
};
const alarmMs = () => runInDurableObject(ruleObject(), (_, { storage }) => storage.getAlarm());
const watch = () => runInDurableObject(ruleObject(), (_, { storage }) => storage.kv.get<Watch>("watch"));
/** What the object knows is lost but for what it has stored. */
const evict = () =>
  runInDurableObject(ruleObject(), (_, state) => {
    state.abort("evicted");
  }).catch(() => {});

/** Moves the clock to the rule's alarm, and lets it run. */
async function runRule(): Promise<boolean> {
  const atMs = await alarmMs();
  if (atMs === null) return false;
  vi.setSystemTime(Math.max(atMs, Date.now()));
  return runDurableObjectAlarm(ruleObject());
}

beforeEach(async () => {
  vi.setSystemTime(START_MS);
  for (const method of ["log", "warn", "error"] as const) vi.spyOn(console, method).mockReturnValue();
  names++;
  service = `watched ${names}`;
  rule = (await writeRule(database(), { ...RULE, name: `errors ${names}` })) as Rule;
  received = interceptProviders(accept);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await deleteRule(database(), rule.name);
});

describe("a rule's object", () => {
  it("tells the rule's target through the service of the newest event, and keeps that in the delivery log", async () => {
    await ruleObject().observe(rule, matches(2, "another"));
    await runRule();
    expect(received).toEqual([]);
    await settle("another");
    expect(received.map(({ url, body }) => [url, body.kind, body.service, body.title])).toEqual([
      [HOOK.target, "event", "another", `Rule ${rule.name}: 2 events`],
    ]);
    expect(await deliveryLog("another")).toEqual([
      { kind: "event", target: HOOK.target, state: "delivered", attempts: 1, answer: "HTTP 200: ok" },
    ]);
  });

  it("counts what it is told again only once, also after an eviction", async () => {
    const one = matches(1);
    await ruleObject().observe(rule, one);
    await ruleObject().observe(rule, one);
    await evict();
    await ruleObject().observe(rule, one);
    expect((await watch())?.recentMs).toHaveLength(1);
    expect((await watch())?.raised).toBeUndefined();
    await ruleObject().observe(rule, matches(1));
    expect((await watch())?.raised?.alert.title).toBe(`Rule ${rule.name}: 2 events`);
  });

  it("tells at the end of the quiet time what has matched in it, and then is quiet again", async () => {
    await ruleObject().observe(rule, matches(2));
    await runRule();
    for (let i = 0; i < 5; i++) {
      advance(SECOND_MS);
      await ruleObject().observe(rule, matches(2));
    }
    await evict();
    expect(await alarmMs()).toBe(START_MS + 600 * SECOND_MS);
    await runRule();
    // What is raised by an alarm is handed over in the same run.
    await settle(service);
    expect(received.map(({ body }) => body.title)).toEqual([
      `Rule ${rule.name}: 2 events`,
      `Rule ${rule.name}: 10 events`,
    ]);
    vi.setSystemTime(START_MS + 1_200 * SECOND_MS + 10);
    await runRule();
    await settle(service);
    expect(received).toHaveLength(2);
  });

  it("keeps nothing an hour after the last match", async () => {
    await ruleObject().observe(rule, matches(1));
    expect(await alarmMs()).toBe(START_MS + HOUR_MS);
    advance(30 * MINUTE_MS);
    await ruleObject().observe(rule, matches(1));
    await runRule();
    expect(await watch()).toBeDefined();
    await runRule();
    expect(await watch()).toBeUndefined();
    expect(await alarmMs()).toBeNull();
  });

  it("writes one row for a match", async () => {
    await ruleObject().observe(rule, matches(1));
    const writes = await runInDurableObject(ruleObject(), (_, { storage }) => ({
      put: vi.spyOn(storage.kv, "put"),
      setAlarm: vi.spyOn(storage, "setAlarm"),
    }));
    advance(2 * MINUTE_MS);
    await ruleObject().observe(rule, matches(1));
    expect([writes.put.mock.calls.length, writes.setAlarm.mock.calls.length]).toEqual([1, 0]);
  });
});

describe("before it tells", () => {
  it("looks whether the rule is still there: of one that was deleted nothing is told or kept", async () => {
    await ruleObject().observe(rule, matches(2));
    await deleteRule(database(), rule.name);
    await runRule();
    expect(await watch()).toBeUndefined();
    expect(await alarmMs()).toBeNull();
    expect(await storedIn(service)).toEqual(NOTHING);
  });

  it("looks whether it looks for something else by now: what matched before is not told", async () => {
    await ruleObject().observe(rule, matches(2));
    await writeRule(database(), { ...rule, q: "disk", writtenMs: START_MS + 1 });
    await runRule();
    expect(await storedIn(service)).toEqual(NOTHING);
    expect(await watch()).toMatchObject({ rule: { q: "disk" }, recentMs: [] });
  });

  it("looks whom the rule names by now", async () => {
    await ruleObject().observe(rule, matches(2));
    const target = { type: "webhook", target: "https://hooks.example/other" };
    await writeRule(database(), { ...rule, target, writtenMs: START_MS + 1 });
    await runRule();
    await settle(service);
    expect(received.map(({ url }) => url)).toEqual([target.target]);
  });

  it("goes by what it knows where D1 fails", async () => {
    await ruleObject().observe(rule, matches(2));
    const mend = breakD1();
    await runRule();
    mend();
    await settle(service);
    expect(received).toHaveLength(1);
  });

  it("does not take for deleted what was written while it was looking", async () => {
    await ruleObject().observe(rule, matches(2));
    await deleteRule(database(), rule.name);
    const renewed = { ...rule, writtenMs: START_MS + 5 };
    const asked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<unknown[]>();
    const statement = {
      bind: () => statement,
      raw: () => {
        asked.resolve();
        return answer.promise;
      },
    };
    const prepare = vi.spyOn(env.DB, "prepare").mockReturnValue(statement as unknown as D1PreparedStatement);
    const run = runRule();
    await asked.promise;
    prepare.mockRestore();
    await ruleObject().observe(renewed, matches(1));
    answer.resolve([]);
    await run;
    expect((await watch())?.rule.writtenMs).toBe(START_MS + 5);
  });
});

describe("handing over", () => {
  it("is repeated until the service's object takes the alert, later and later, and tells it once", async () => {
    await ruleObject().observe(rule, matches(2));
    const getByName = env.SERVICE_MONITOR.getByName.bind(env.SERVICE_MONITOR);
    const broken = vi.spyOn(env.SERVICE_MONITOR, "getByName").mockImplementation(() => {
      return { takeAlert: () => Promise.reject(new Error("Network connection lost.")) } as never;
    });
    const gaps: number[] = [];
    for (let i = 0; i < 4; i++) {
      const beforeMs = Date.now();
      await runRule();
      gaps.push(((await alarmMs()) ?? 0) - Math.max(beforeMs, Date.now()));
      await evict();
    }
    expect(gaps).toEqual([2_000, 4_000, 8_000, 16_000]);
    // The next answer is lost on its way, after the alert was taken.
    broken.mockImplementation((name) => {
      const takeAlert = async (...said: Parameters<ReturnType<typeof getByName>["takeAlert"]>) => {
        await getByName(name).takeAlert(...said);
        throw new Error("Network connection lost.");
      };
      return { takeAlert } as never;
    });
    await runRule();
    broken.mockRestore();
    await settle(service);
    expect(received).toHaveLength(1);
    await runRule();
    await settle(service);
    expect(received).toHaveLength(1);
    expect((await watch())?.raised).toBeUndefined();
  });

  it.each([0, 1, 2, 3, 4])("survives that the object is killed before its write %i", async (n) => {
    await ruleObject().observe(rule, matches(2));
    await runInDurableObject(ruleObject(), (_, state) => {
      let writes = 0;
      const count = () => {
        if (writes++ === n) state.abort("killed");
      };
      const { storage } = state;
      const put = storage.kv.put.bind(storage.kv);
      const setAlarm = storage.setAlarm.bind(storage);
      vi.spyOn(storage.kv, "put").mockImplementation((...args) => {
        count();
        put(...args);
      });
      vi.spyOn(storage, "setAlarm").mockImplementation((...args) => {
        count();
        return setAlarm(...args);
      });
    });
    await runRule().catch(() => {});
    await settle(service);
    // The test's way to run an alarm takes it away first, where the platform would repeat it.
    for (let runs = 0; runs < 5 && received.length === 0; runs++) {
      if ((await alarmMs()) === null) await runInDurableObject(ruleObject(), (object) => object.alarm?.());
      else await runRule();
      await settle(service);
    }
    expect(received.map(({ body }) => body.title)).toEqual([`Rule ${rule.name}: 2 events`]);
  });

  it("is forgotten with the service", async () => {
    await ruleObject().observe(rule, matches(2));
    await runRule();
    await settle(service);
    expect((await storedIn(service)).keys).toEqual(["handed"]);
    await monitorOf(service).forget();
    expect(await storedIn(service)).toEqual(NOTHING);
  });
});

describe("alarm()", () => {
  it("never throws, and sets itself again", async () => {
    await ruleObject().observe(rule, matches(2));
    await runInDurableObject(ruleObject(), async (object, { storage }) => {
      const put = vi.spyOn(storage.kv, "put").mockImplementation(() => {
        throw new Error("unforeseen");
      });
      await object.alarm?.();
      put.mockRestore();
    }).catch(() => {});
    await evict();
    for (let runs = 0; runs < 3; runs++) await runRule();
    await settle(service);
    expect(received).toHaveLength(1);
  });
});
