import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { objectsNear, type Schema } from "../support/contract.ts";
import { type Access, encode, FEW_TEXTS, mostly, NAMES } from "./request.ts";

/** A body and what its headers say of it. */
export interface Body {
  bytes: Uint8Array;
  headers: [name: string, value: string][];
}

const JSON_TYPE: [string, string] = ["content-type", "application/json"];
const FORM_TYPE: [string, string] = ["content-type", "application/x-www-form-urlencoded"];
const GZIP: [string, string] = ["content-encoding", "gzip"];
const MIB = 1024 * 1024;

const utf8 = (text: string) => new TextEncoder().encode(text);
const nested = (open: string, close: string, depth: number) => open.repeat(depth) + close.repeat(depth);
/** An event and a cancel, with what is hostile in the place of its message. */
const about = (message: string) => utf8(`{"service":"fuzzed 0","nextIn":600,"message":${message}}`);

/** Bodies that break programs which are careless somewhere. */
const HOSTILE: Body[] = [
  ...[
    utf8(""),
    utf8(" "),
    utf8("null"),
    utf8("[]"),
    utf8('{"service":'),
    utf8(`{"service":"fuzzed 1",${'"service":1,'.repeat(10_000)}"service":"fuzzed 2"}`),
    utf8('{"__proto__":{"service":"x"},"constructor":{"prototype":{}},"service":"fuzzed 3"}'),
    about(nested("[", "]", 100_000)),
    about(nested('{"a":', "}", 50_000).replace("}", "1}")),
    about(`"${"1".repeat(400_000)}x"`),
    about("9".repeat(100_000)),
    about("1e999999"),
    about('"\\ud800"'),
    about(`"${"\u0301".repeat(60_000)}"`),
    utf8(`{"service":"fuzzed 4","message":"x","level":"${"1".repeat(400_000)}x"}`),
    utf8(`{"service":"fuzzed 4","nextIn":"${"1".repeat(400_000)}x","alertType":"mail","alertTarget":"a@b.c"}`),
    utf8(`${"[".repeat(500_000)}`),
    new Uint8Array([0xff, 0xfe, 0x7b, 0x00]),
    new Uint8Array(600_000).fill(0x20),
    new Uint8Array(3 * MIB).fill(0x78),
  ].map((bytes) => ({ bytes, headers: [JSON_TYPE] })),
  ...["=&".repeat(100_000), "service=a&service=b", "a=%ff", "a=1&".repeat(50_000), `${"x".repeat(100_000)}=%`].map(
    (form) => ({ bytes: utf8(form), headers: [FORM_TYPE] }),
  ),
  ...[
    gzipSync(new Uint8Array(64 * MIB)),
    gzipSync(gzipSync(new Uint8Array(64 * MIB))),
    gzipSync(about('"fine"')).subarray(0, -5),
    gzipSync(about('"fine"')).subarray(0, 7),
    Buffer.concat([gzipSync(about('"fine"')), utf8("more")]),
    utf8('{"service":"not compressed"}'),
    gzipSync(utf8(nested("[", "]", 200_000))),
    Buffer.concat([gzipSync("").subarray(0, 10), Buffer.alloc(600_000, Buffer.from([0, 0, 0, 0xff, 0xff]))]),
  ].map((bytes) => ({ bytes, headers: [JSON_TYPE, GZIP] })),
  ...["deflate", "br", "gzip, gzip", "identity"].map((encoding): Body => {
    return { bytes: about('"fine"'), headers: [JSON_TYPE, ["content-encoding", encoding]] };
  }),
];

/** Bodies of a schema: right, nearly right and hostile, in all the ways in which one may come. */
export function bodies(schema: Schema, access: Access): fc.Arbitrary<Body> {
  const name = fc.constantFrom(...NAMES, ...FEW_TEXTS);
  const objects = fc
    .tuple(objectsNear(schema.items ?? schema), mostly(5, name, fc.constant(undefined)))
    .map(([object, service]) => tame(service === undefined ? object : { ...object, service }, access.stubUrl));
  const type = fc.constantFrom<[string, string][]>(
    [JSON_TYPE],
    [JSON_TYPE],
    [],
    [FORM_TYPE],
    [["content-type", "x/y;"]],
  );
  const asJson = fc
    .tuple(objects, type)
    .map(([object, headers]): Body => ({ bytes: utf8(JSON.stringify(object)), headers }));
  const asForm = objects.map((object): Body => ({ bytes: utf8(formOf(object)), headers: [FORM_TYPE] }));
  const asMany = fc.tuple(fc.array(objects, { maxLength: 5 }), fc.boolean()).map(([list, isLines]): Body => {
    const lines = list.map((object) => JSON.stringify(object)).join("\n");
    return { bytes: utf8(isLines ? lines : JSON.stringify(list)), headers: [JSON_TYPE] };
  });
  const plain = schema.items ? mostly(3, asMany, asJson) : mostly(3, asJson, asForm);
  const packed = plain.map(({ bytes, headers }): Body => ({ bytes: gzipSync(bytes), headers: [...headers, GZIP] }));
  // Broken where nobody is named that might be called: a change could make another address of it.
  const broken = fc
    .tuple(fc.json({ maxDepth: 2 }), fc.nat(), fc.uint8Array({ maxLength: 4 }))
    .map(([text, at, bytes]): Body => ({ bytes: splice(utf8(text), at, bytes), headers: [JSON_TYPE] }));
  return fc.oneof(
    { weight: 8, arbitrary: plain },
    { weight: 2, arbitrary: packed },
    { weight: 1, arbitrary: broken },
    { weight: 5, arbitrary: fc.constantFrom(...HOSTILE) },
  );
}

function formOf(object: object): string {
  return Object.entries(object)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .join("&");
}

function splice(bytes: Uint8Array, at: number, put: Uint8Array): Uint8Array {
  const start = at % (bytes.length + 1);
  return new Uint8Array([...bytes.subarray(0, start), ...put, ...bytes.subarray(start + put.length)]);
}

/**
 * The same value without what would leave this machine or stay in its memory: alerts are delivered, so that each URL
 * becomes one of ours; and each service and each target has an object, so that there are few of them.
 */
export function tame<T>(value: T, stubUrl: string, field = ""): T {
  if (typeof value === "string") return tameText(value, stubUrl, field) as T;
  if (Array.isArray(value)) return value.map((item) => tame(item, stubUrl)) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, tame(inner, stubUrl, key)])) as T;
}

function tameText(text: string, stubUrl: string, field: string): string {
  if (/^\s*https?:/i.test(text)) return `${stubUrl}/fuzz`;
  const most = { service: 200, alertTarget: 20, target: 20 }[field];
  // What is refused anyway may be anything.
  if (most === undefined || text === "" || text.length > most || /\p{Cc}/u.test(text)) return text;
  return FEW_TEXTS[text.length % FEW_TEXTS.length] as string;
}
