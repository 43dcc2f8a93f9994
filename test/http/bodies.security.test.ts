import { describe, expect, it } from "vitest";
import { countStored, expectRefusal, shown } from "../support/app.ts";
import { call } from "../support/client.ts";
import { useTestClock } from "../support/clock.ts";

useTestClock();

const ROUTES = [
  ["POST", "/"],
  ["DELETE", "/heartbeat"],
  ["POST", "/event"],
] as const;

const PULSE = { service: "hostile", nextIn: 60, alertType: "mail", alertTarget: "ann@example.com", message: "x" };
const NESTED = 100_000;

const bytes = (...values: number[]) => new Uint8Array(values);
const utf8 = (text: string) => new TextEncoder().encode(text);
/** A pulse, an event and a cancel at once, with one name that is spelt so in JSON. */
const named = (spelling: string) => JSON.stringify(PULSE).replace('"hostile"', spelling);

const HOSTILE: [what: string, body: BodyInit, hint: RegExp][] = [
  ["an empty body", "", /body is empty/],
  ["blanks", " \r\n\t ", /body is empty/],
  ["a byte order mark alone", "\ufeff", /body is empty/],
  ["no JSON", "hello", /not valid JSON/],
  ["half a JSON", '{"service":"hostile"', /not valid JSON/],
  ["two JSONs", `${JSON.stringify(PULSE)}${JSON.stringify(PULSE)}`, /not valid JSON/],
  ["JSON with a comment", `/**/${JSON.stringify(PULSE)}`, /not valid JSON/],
  ["JSON with a stray comma", '{"service":"hostile",}', /not valid JSON/],
  ["JSON with single quotes", "{'service':'hostile'}", /not valid JSON/],
  ["two byte order marks", `\ufeff\ufeff${JSON.stringify(PULSE)}`, /not valid JSON/],
  ["a NUL in the middle", `{"service":"hos\0tile"}`, /not valid JSON/],
  ["null", "null", /must be a JSON object/],
  ["true", "true", /must be a JSON object/],
  ["a number", "60", /must be a JSON object/],
  ["a text", '"hostile"', /must be a JSON object/],
  ["a list", JSON.stringify([PULSE]), /must be a JSON object/],
  ["an empty object", "{}", /service must be/],
  ["an object of unknown fields", '{"Service":"hostile","serviceName":"hostile"}', /service must be/],
  ["a list in a list in a list, 100,000 deep", "[".repeat(NESTED) + "]".repeat(NESTED), /must be a JSON object/],
  ["100,000 brackets that never close", "[".repeat(NESTED), /not valid JSON/],
  ["100,000 objects in one another", `${'{"a":'.repeat(NESTED / 2)}1${"}".repeat(NESTED / 2)}`, /service must be/],
  ["a name that is 100,000 lists", named("[".repeat(NESTED) + "]".repeat(NESTED)), /service must be/],
  ["a prototype", '{"__proto__":{"service":"hostile","nextIn":60,"message":"x"}}', /service must be/],
  ["a constructor", '{"constructor":{"prototype":{"service":"hostile"}}}', /service must be/],
  ["a name of true", named("true"), /service must be/],
  ["a name of null", named("null"), /service must be/],
  ["a name of a number", named("1"), /service must be/],
  ["a name of an object", named('{"toString":"x"}'), /service must be/],
  ["a name with an escaped NUL", named('"a\\u0000b"'), /service must be/],
  ["a name with half a character", named('"a\\ud800"'), /service must be/],
  ["a name with the other half", named('"\\udc00a"'), /service must be/],
  ["a name with both halves in the wrong order", named('"\\udc00\\ud800"'), /service must be/],
  ["a name of 201 characters", named(`"${"a".repeat(201)}"`), /service must be/],
  ["a huge name", named(`"${"a".repeat(400_000)}"`), /service must be/],
  ["bytes that are no UTF-8", bytes(0x7b, 0xff, 0xfe, 0x7d), /UTF-8/],
  ["a name in Latin-1", new Uint8Array([...utf8('{"service":"caf'), 0xe9, ...utf8('"}')]), /UTF-8/],
  ["an overlong slash", new Uint8Array([...utf8('{"service":"'), 0xc0, 0xaf, ...utf8('"}')]), /UTF-8/],
  ["half a character in UTF-8", new Uint8Array([...utf8('{"service":"'), 0xed, 0xa0, 0x80, ...utf8('"}')]), /UTF-8/],
  ["UTF-8 that ends too early", new Uint8Array([...utf8('{"service":"'), 0xf0, 0x9f]), /UTF-8/],
  ["UTF-16", bytes(0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00), /UTF-8/],
  ["something compressed", bytes(0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0, 3), /UTF-8/],
];

describe.each(ROUTES)("%s %s", (method, path) => {
  it.each(HOSTILE)("refuses %s, and stores nothing", async (_, raw, hint) => {
    const before = await countStored();
    expectRefusal(await call(method, path, { raw }), 400, hint);
    expect(await countStored()).toEqual(before);
  });

  const FORM = { "content-type": "application/x-www-form-urlencoded" };
  it.each([
    ["", /body is empty/],
    ["service", /not valid JSON/],
    ["=", /service must be/],
    ["&&&=&=", /service must be/],
    ["service=", /service must be/],
    ["service=%ff&nextIn=60&message=x", /service must be percent-encoded UTF-8/],
    ["service=%&nextIn=60&message=x", /service must be percent-encoded UTF-8/],
    ["service=%ED%A0%80&nextIn=60&message=x", /service must be percent-encoded UTF-8/],
    ["service=a%00b&nextIn=60&message=x", /service must be/],
    ["service=a%0Ab&nextIn=60&message=x", /service must be/],
    ["%ff=1&service=hostile", /^A field must be percent-encoded UTF-8/],
    [`${"x".repeat(100_000)}=%`, /^A field must be percent-encoded UTF-8\.$/],
    ["__proto__=x&constructor=y", /service must be/],
    ["service[]=hostile&service[name]=x", /service must be/],
    ['["service=hostile"]', /must be a JSON object/],
    ["service=hostile&service=hostile&nextIn=60&message=x", /^service must be given only once\.$/],
    ["service=hostile&%73ervice=other&nextIn=60&message=x", /^service must be given only once\.$/],
    ["service=&service=hostile&nextIn=60&message=x", /^service must be given only once\.$/],
    ["x[]=1&x[]=2&service=hostile&nextIn=60&message=x", /^A field must be given only once\.$/],
    ["__proto__=1&__proto__=2", /^A field must be given only once\.$/],
    ["a=&".repeat(100_000), /not be more than 100 parameters or fields/],
  ] as const)("refuses a form of %j, and stores nothing", async (raw, hint) => {
    const before = await countStored();
    expectRefusal(await call(method, path, { raw, headers: FORM }), 400, hint, shown(raw));
    expect(await countStored()).toEqual(before);
  });
});

describe("what a body may have", () => {
  it("fields that programs trip over are ignored, and change nothing else", async () => {
    const raw = `{"__proto__":{"polluted":1},"constructor":1,"toString":null,"hasOwnProperty":2,${JSON.stringify(PULSE).slice(1)}`;
    const { status, body } = await call("POST", "/", { raw });
    expect(status).toBe(200);
    expect(body.heartBeat.service).toBe("hostile");
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect(Object.keys(body.heartBeat)).not.toContain("polluted");
  });

  it("half characters where they are ignored", async () => {
    const raw = `{"note":"\\ud800",${JSON.stringify(PULSE).slice(1)}`;
    expect((await call("POST", "/", { raw })).status).toBe(200);
  });

  it("a lone surrogate nowhere that is stored", async () => {
    for (const field of ["alertTarget", "alertType"]) {
      expectRefusal(await call("POST", "/", { body: { ...PULSE, [field]: "\ud800" } }), 400, field);
    }
    expectRefusal(await call("POST", "/event", { body: { ...PULSE, message: "a\udfff" } }), 400, "message");
  });

  it("the escapes of JSON, of which none is special afterwards", async () => {
    const raw = named('"\\u0061\\/\\"\\\\\\ud83e\\udd8a"');
    expect((await call("POST", "/", { raw })).body.heartBeat.service).toBe('a/"\\🦊');
  });
});
