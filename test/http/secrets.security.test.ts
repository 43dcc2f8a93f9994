import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { configOf, type Env } from "../../src/config.ts";
import { MINUTE_MS } from "../../src/domain/time.ts";
import { ulid } from "../../src/domain/ulid.ts";
import { visit } from "../support/app.ts";
import { call, PASSWORD, PASSWORD_PREVIOUS, PASSWORD_READ } from "../support/client.ts";
import { advance, useTestClock } from "../support/clock.ts";
import { operations } from "../support/contract.ts";
import { Visitor } from "../support/gui.ts";
import { monitorOf, runAlarm } from "../support/monitor.ts";
import { realSentinel } from "../support/sentinel.ts";

useTestClock();

/** The Worker's secrets, as vitest.config.ts has them, and what is added to the configuration here. */
const CONFIGURED = [
  ...[PASSWORD, PASSWORD_PREVIOUS, PASSWORD_READ, env.PULSE_KEY_SECRET],
  ...[env.PUSHOVER_TOKEN, env.MAILCHANNELS_API_KEY, env.WEBHOOK_SECRET],
] as string[];
const WATCHDOG = "https://watchdog.example/w4tchd0g-token";
const DEFAULT = { type: "webhook", target: "https://default.example/d3fault-token?key=d3fault-key" };
const HOOK = { type: "webhook", target: "https://ann:h00k-pass@hooks.example/h00k-token?key=h00k-query" };
const KEY = { type: "pushover", target: "uh00kRzpo4DXghDmr9QzzfQu27cmVR" };
const MAIL = { type: "mail", target: "ann@example.com" };
/** In the secret parts of what is told whom: they are where a target is asked for, and nowhere else. */
const OF_TARGETS = /w4tchd0g|d3fault|h00k/;
const SERVICE = "keeper";

let logged: string[] = [];
beforeEach(() => {
  logged = [];
  for (const method of ["log", "info", "warn", "error", "debug"] as const) {
    vi.spyOn(console, method).mockImplementation((...words) => void logged.push(words.join(" ")));
  }
});
afterEach(() => vi.restoreAllMocks());

/** Expects a text without any secret. */
function expectHarmless(text: string, where: string): void {
  for (const secret of CONFIGURED) {
    for (const spelling of [secret, encodeURIComponent(secret), btoa(secret)]) {
      expect(text.includes(spelling), `${spelling} is in ${where}: ${text.slice(0, 2_000)}`).toBe(false);
    }
  }
  const [found] = text.match(OF_TARGETS) ?? [];
  expect(found, `${where}: ${text.slice(0, 2_000)}`).toBeUndefined();
}

/** An answer without its targets. */
function withoutTargets(body: unknown): string {
  return JSON.stringify(body, (name, value) => (["alertTarget", "target"].includes(name) ? undefined : value));
}

/** A page without its targets, as they are and as examples have them; entities and escapes are undone. */
function withoutTargetsOf(html: string): string {
  const text = html.replaceAll("&amp;", "&").replaceAll("&quot;", '"').replaceAll("&#39;", "'");
  return [HOOK, KEY, DEFAULT].reduce((left, { target }) => left.replaceAll(target, ""), text);
}

interface Sent {
  url: string;
  text: string;
}

/** All providers: they repeat everything they get, headers too, and fail in several ways. */
function echo(): Sent[] {
  const sent: Sent[] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const url = String(input);
    const text = `${init?.body} ${JSON.stringify(init?.headers)} ${url}`;
    sent.push({ url, text: String(init?.body) });
    if (sent.length % 4 === 3) throw new TypeError(`Fetch of ${text} failed`);
    const status = [400, 503, 0, 401][sent.length % 4] as number;
    return new Response(`you said: ${text}`, { status: url.startsWith(DEFAULT.target) ? 200 : status });
  });
  return sent;
}

async function configure(config: { watchdogUrl?: string | undefined; defaultTarget?: typeof DEFAULT | undefined }) {
  for (const object of [monitorOf(SERVICE), realSentinel()]) {
    await runInDurableObject(object, (instance) => {
      Object.assign(configOf((instance as unknown as { env: Env }).env), config);
    });
  }
  Object.assign(configOf(env as unknown as Env), config);
}

describe("secrets", () => {
  it("are in no log, answer, event, delivery or page, whatever providers repeat and however they fail", async () => {
    const sent = echo();
    await configure({ watchdogUrl: WATCHDOG, defaultTarget: DEFAULT });
    await realSentinel().sweep();
    advance(MINUTE_MS);
    await runInDurableObject(realSentinel(), (instance) => instance.alarm());
    await realSentinel().sweep();
    const body = { service: SERVICE, nextIn: 60, alertType: HOOK.type, alertTarget: HOOK.target };
    await call("POST", "/", { body: { ...body, alerts: [KEY, MAIL], remindEvery: 60 } });
    await call("POST", "/event", { body: { service: SERVICE, message: "told", alert: true } });
    for (let i = 0; i < 40; i++) await runAlarm(SERVICE);
    expect(sent.some(({ url }) => url === WATCHDOG)).toBe(true);

    // Others are told of what failed, without the secrets of whom it was meant for.
    const told = sent.filter(({ url, text }) => url === DEFAULT.target && text.includes("Alert given up"));
    expect(told.length).toBeGreaterThan(0);
    for (const { text } of told) expectHarmless(text, "what the default target is told");

    const visitor = await Visitor.loggedIn();
    for (const target of [HOOK, KEY, MAIL]) {
      const { text } = await visitor.submit("/gui/setup", target);
      expectHarmless(withoutTargetsOf(text), "the test of a target");
    }
    const { results } = await env.DB.prepare("select id from alerts where state = 'failed'").all<{ id: string }>();
    expect(results.length).toBeGreaterThan(0);
    for (const { id } of results) await visitor.submit("/gui/alerts", { id });
    await runAlarm(SERVICE);

    for (const { method, path, body: schema, parameters } of operations) {
      const needsName = parameters.some(({ name, required }) => name === "service" && required);
      const route =
        path.replace("{service}", SERVICE) + (needsName && !path.includes("{") ? `?service=${SERVICE}` : "");
      const json = { ...body, message: "x", service: method === "DELETE" ? "another" : SERVICE };
      const good = await call(method, route, schema ? { body: json } : {});
      const bad = await call(method, `${route}${route.includes("?") ? "&" : "?"}cursor=x&humanDates=?`);
      const wrong = await visit(method, route, { password: `${PASSWORD.slice(0, -1)}` });
      for (const { body: said, headers } of [good, bad, wrong]) {
        expectHarmless(withoutTargets(said) + JSON.stringify([...headers]), `${method} ${path}`);
      }
    }
    const pages = ["", "/refresh?after=0", `/services/${SERVICE}`, "/events", "/events/new", "/alerts", "/setup"];
    for (const page of [...pages, "/login", "/nowhere", "/alerts?before=x"]) {
      const { text, headers } = await visitor.open(`/gui${page}`);
      expectHarmless(
        withoutTargetsOf(text) + JSON.stringify([...headers].filter(([name]) => name !== "set-cookie")),
        page,
      );
    }
    for (const columns of ["message from events", "answers || last_answer from alerts", "id from transitions"]) {
      const rows = (await env.DB.prepare(`select ${columns}`).all()).results;
      expect(rows.length, columns).toBeGreaterThan(0);
      expectHarmless(JSON.stringify(rows), columns);
    }
    expect(logged.length).toBeGreaterThan(0);
    expectHarmless(logged.join("\n"), "the log");
    await configure({ watchdogUrl: undefined });
  });

  it("are in no answer to what nobody foresaw", async () => {
    const unforeseen = new Error(`${PASSWORD} ${env.PUSHOVER_TOKEN} ${ulid(0)}`);
    vi.spyOn(env.DB, "prepare").mockImplementation(() => {
      throw unforeseen;
    });
    const visitor = new Visitor();
    const answers = [await call("GET", "/"), await call("GET", "/events"), await visit("GET", "/health")];
    for (const { status, body } of answers) {
      expect(status).toBeGreaterThanOrEqual(500);
      expectHarmless(JSON.stringify(body), "an unforeseen answer");
    }
    expectHarmless((await visitor.open("/gui")).text, "an unforeseen page");
  });
});
