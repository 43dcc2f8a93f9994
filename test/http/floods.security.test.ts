import fc from "fast-check";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { MOST_BODY_BYTES, MOST_PARAMETERS } from "../../src/domain/limits.ts";
import { readForm } from "../../src/http/form.ts";
import { expectRefusal, visit } from "../support/app.ts";
import { call, PASSWORD } from "../support/client.ts";
import { useTestClock } from "../support/clock.ts";
import { Visitor } from "../support/gui.ts";
import { HOOK } from "../support/monitor.ts";

useTestClock();

/** The routes that take parameters, each with a query that is fine. */
const QUERIES = [
  "/?humanDates=1",
  "/heartbeats?humanDates=1",
  "/heartbeat?service=nobody",
  "/heartbeat/nobody?humanDates=1",
  "/get/nobody?humanDates=1",
  "/events?service=nobody",
  "/list-events?service=nobody",
  "/alerts?service=nobody",
  "/hello?humanDates=1",
];
const PAGES = [
  "/gui?q=a",
  "/gui/refresh?after=0",
  "/gui/services?service=nobody",
  "/gui/services/nobody?done=paused",
  "/gui/events?service=nobody",
  "/gui/events/new?service=nobody",
  "/gui/alerts?service=nobody",
];
let visitor: Visitor;
beforeAll(async () => {
  visitor = await Visitor.loggedIn();
});

const FORM = { "content-type": "application/x-www-form-urlencoded" };
/** A parameter as a query has it. */
const givenIn = (path: string) => path.replace(/.*\?/, "");

describe("a parameter that is given twice", () => {
  it.each(QUERIES)("is refused by its name: %s", async (path) => {
    const [name = ""] = givenIn(path).split("=");
    for (const more of [givenIn(path), `${name}=other`, `${name}=`, givenIn(path).replace(/^./, hexOf)]) {
      expectRefusal(await call("GET", `${path}&x=1&${more}`), 400, `${name} must be given only once.`, more);
    }
    expectRefusal(await call("GET", `${path}&x[]=1&x[]=2`), 400, /^A field must be given only once\.$/);
  });

  it.each(PAGES)("is refused by the pages, too: %s", async (path) => {
    const { status, text } = await visitor.open(`${path}&${givenIn(path)}`);
    expect(status).toBe(400);
    expect(text).toContain("must be given only once.");
  });

  it("is fine where several are wanted", async () => {
    expect((await visitor.open("/gui/refresh?after=0&overdue=a&overdue=b&overdue=a")).status).toBe(200);
  });

  it("is another one in another case, and unknown", async () => {
    expect((await call("GET", "/events?service=nobody&Service=other&SERVICE=another")).status).toBe(200);
  });
});

describe("very many parameters", () => {
  const flood = (count: number) => Array.from({ length: count }, (_, i) => `x${i}=1`).join("&");

  it.each([...QUERIES, ...PAGES])("are refused: %s", async (path) => {
    for (const more of [flood(MOST_PARAMETERS), flood(10_000), "&".repeat(10_000), "overdue=a&".repeat(10_000)]) {
      if (path.startsWith("/gui")) expect((await visitor.open(`${path}&${more}`)).status).toBe(400);
      else expectRefusal(await call("GET", `${path}&${more}`), 400, `more than ${MOST_PARAMETERS} parameters`);
    }
  });

  it("are a few of those that are allowed", async () => {
    expect((await call("GET", `/events?service=nobody&${flood(MOST_PARAMETERS - 1)}`)).status).toBe(200);
    const raw = `service=flooded&message=x&${flood(MOST_PARAMETERS - 2)}`;
    expect((await call("POST", "/event", { raw, headers: FORM })).status).toBe(200);
  });
});

describe("names that programs trip over", () => {
  const NAMES = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "__defineGetter__", "then"];

  it.each(NAMES)("are unknown in a query, a form and JSON: %s", async (name) => {
    expect((await call("GET", `/events?service=nobody&${name}=1&${name}[service]=x`)).status).toBe(200);
    const raw = `service=tripped&message=x&${name}=1&${name}[polluted]=1`;
    expect((await call("POST", "/event", { raw, headers: FORM })).status).toBe(200);
    const json = `{"service":"tripped","message":"x","${name}":{"polluted":1,"level":7}}`;
    expect((await call("POST", "/event", { raw: json })).status).toBe(200);
    const { body } = await call("GET", "/events?service=tripped&limit=1");
    expect(body.events).toMatchObject([{ level: 0 }]);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it("are nothing special to the reader of forms, whatever there is", () => {
    const name = fc.oneof(fc.constantFrom(...NAMES, "service"), fc.string({ minLength: 1, maxLength: 5 }));
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(name, fc.string()), { selector: ([key]) => key }), (pairs) => {
        const fields = readForm(new URLSearchParams(pairs).toString());
        expect(Object.getPrototypeOf(fields)).toBeNull();
        expect(Object.entries(fields).sort()).toEqual(pairs.filter(([, value]) => value !== "").sort());
      }),
      { seed: 20_261_122 },
    );
  });
});

describe("a long address", () => {
  it.each([
    ["in its path", `/heartbeat/${"a".repeat(15_000)}`],
    ["in its path, encoded", `/heartbeat/${"%41".repeat(15_000)}`],
    ["of slashes", `/${"/".repeat(15_000)}`],
    ["of dots", `/heartbeat/${"../x/".repeat(3_000)}y`],
    ["in a value", `/events?service=${"a".repeat(15_000)}`],
    ["in a number", `/events?limit=${"1".repeat(15_000)}x`],
    ["in a date", `/events?from=${"1".repeat(15_000)}x`],
    ["in a level", `/events?level=${"1".repeat(15_000)}x`],
    ["in a cursor", `/events?cursor=${"1.".repeat(7_000)}`],
    ["in a name", `/events?${"a".repeat(15_000)}=%`],
  ])("is answered at once: %s", async (_, path) => {
    expect([400, 404]).toContain((await call("GET", path)).status);
  });
});

describe("headers", () => {
  it("may be many, long and repeated, and the password has to be there once", async () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`x-flood-${i}`, "y".repeat(100)]));
    expect((await visit("GET", "/hello", { ...many, PaSsWoRd: PASSWORD })).status).toBe(200);
    const headers = new Headers({ password: PASSWORD });
    headers.append("password", PASSWORD);
    expectRefusal(await visit("GET", "/hello", Object.fromEntries(headers)), 403, "password");
  });

  it.each<[string, Record<string, string>]>([
    ["a huge password", { password: "x".repeat(100_000) }],
    ["a huge token", { authorization: `Bearer ${"x".repeat(100_000)}` }],
    ["huge Basic credentials", { authorization: `Basic ${btoa(`a:${"x".repeat(100_000)}`)}` }],
    ["nothing but blanks", { authorization: `Basic${" ".repeat(100_000)}` }],
    ["a scheme without an end", { authorization: "x".repeat(100_000) }],
    ["two schemes", { authorization: `Basic x, Bearer ${PASSWORD}` }],
    ["a password with another after it", { password: `${PASSWORD}, x` }],
  ])("are refused at once with %s", async (_, headers) => {
    expectRefusal(await visit("GET", "/hello", headers), 403, "password");
  });
});

describe("what is refused takes no time, however long it is", () => {
  const most = MOST_BODY_BYTES - 200;
  const DIGITS = "1".repeat(most);
  const pulse = (field: string, value: string) =>
    `{"service":"slow","nextIn":60,"alertType":"${HOOK.type}","alertTarget":"${HOOK.target}","${field}":${value}}`;

  it.each([
    ["a text of digits and a letter", "/", pulse("grace", `"${DIGITS}x"`)],
    ["a text of digits, a dot, digits and a letter", "/", pulse("grace", `"${DIGITS.replace(/^.{9}/, "$&.")}x"`)],
    ["a text of a number and blanks", "/", pulse("grace", `"1${" ".repeat(most)}x"`)],
    ["a text of blanks", "/", pulse("grace", `"${" ".repeat(most)}"`)],
    ["a huge number", "/", pulse("grace", DIGITS)],
    ["a number with a huge exponent", "/", pulse("grace", `1e${DIGITS}`)],
    ["a level of digits and a letter", "/event", `{"service":"slow","message":"x","level":"${DIGITS}x"}`],
    ["a level of blanks", "/event", `{"service":"slow","message":"x","level":"${" ".repeat(most)}x"}`],
    ["a target that is a long name", "/", pulse("alertTarget", `"${"local.".repeat(most / 6)}"`)],
    ["a target of dots", "/", pulse("alertTarget", `"http://a.local${".".repeat(1_900)}/"`)],
    ["many targets", "/", pulse("alerts", `[${'{"type":"x","target":"y"},'.repeat(20_000)}1]`)],
    ["lists in one another", "/", pulse("alerts", "[".repeat(most / 2) + "]".repeat(most / 2))],
    ["objects in one another", "/", pulse("alerts", `${'{"type":'.repeat(50_000)}1${"}".repeat(50_000)}`)],
    ["many keys", "/", `{${Array.from({ length: 30_000 }, (_, i) => `"k${i}":1`).join()},"service":1}`],
    ["one key, many times", "/", `{${'"service":1,'.repeat(40_000)}"nextIn":1}`],
  ])("%s", async (_, path, raw) => {
    vi.useRealTimers();
    const startedMs = Date.now();
    expectRefusal(await call("POST", path, { raw }), 400, / must (not )?be /);
    expect(Date.now() - startedMs).toBeLessThan(2_000);
  });
});

/** A character as it may be written in an address. */
function hexOf(character: string): string {
  return `%${character.charCodeAt(0).toString(16)}`;
}
