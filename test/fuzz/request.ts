import fc from "fast-check";

/** A request as it goes over the wire. */
export interface FuzzRequest {
  method: string;
  /** Path and query. */
  target: string;
  headers: [name: string, value: string][];
  body?: Uint8Array | undefined;
  /** How the body is sent: with its length, in chunks, or cut off in the middle, after which no answer is awaited. */
  sending: "whole" | "chunked" | "cut";
}

/** What a fuzzer knows of the watchTower that it calls. */
export interface Access {
  baseUrl: string;
  password: string;
  /** Of a session in the web interface. */
  cookie: string;
  /** Where alerts may go: nothing leaves this machine. */
  stubUrl: string;
}

/** In names and messages: a page must never have it as it is. */
export const MARKUP = "<script>fuzz</script>";

/** Names of services: most requests are about one of a few, so that something happens to these. */
export const NAMES = [
  ...Array.from({ length: 20 }, (_, i) => `fuzzed ${i}`),
  MARKUP,
  "a/b?c#d",
  "🦊",
  "'\"\\",
  "%41",
  "..",
];

/** Chooses the first arbitrary so many times as often as the second. */
export function mostly<A, B>(weight: number, usual: fc.Arbitrary<A>, other: fc.Arbitrary<B>): fc.Arbitrary<A | B> {
  return fc.oneof({ weight, arbitrary: usual }, { weight: 1, arbitrary: other });
}

/** Texts of all sorts. */
export const texts = fc.oneof(
  fc.string({ unit: "binary", maxLength: 30 }),
  fc.string({ unit: "grapheme", maxLength: 30 }),
  fc.constantFrom(...NAMES, "", " ", "0", "-1", "1e9", "NaN", "null", "__proto__", "\0", "%", "2040-01-01", "0x10"),
  fc.constantFrom("' or 1=1 --", "{{7*7}}", "../../etc/passwd", "a\r\nb: c", "\u202e", "x".repeat(3_000)),
);

/** Some of these texts, always the same: where each makes something that lasts. */
export const FEW_TEXTS = fc.sample(
  texts.filter((text) => text !== ""),
  { seed: 1, numRuns: 100 },
);

/** Headers that change what a request means, or should not. */
export const oddHeaders: fc.Arbitrary<[string, string][]> = mostly(
  4,
  fc.constant<[string, string][]>([]),
  fc.array(
    fc.constantFrom<[string, string]>(
      ["accept", "text/html"],
      ["accept", "*/*;q=0"],
      ["origin", "https://evil.example"],
      ["origin", "null"],
      ["sec-fetch-site", "cross-site"],
      ["sec-fetch-mode", "navigate"],
      ["cookie", "watchtower=admin-9999999999999.x"],
      ["cookie", "a=b; ".repeat(500)],
      ["authorization", "Basic %%%"],
      ["authorization", `Bearer ${"x".repeat(4_000)}`],
      ["host", "evil.example"],
      ["x-forwarded-host", "evil.example"],
      ["x-http-method-override", "DELETE"],
      ["range", "bytes=0-0,-1"],
      ["if-none-match", "*"],
      ["content-language", "\u00e9\u00ff"],
      ["accept-encoding", "gzip, br, *;q=0"],
      ["x-long", "y".repeat(7_000)],
    ),
    { minLength: 1, maxLength: 3 },
  ),
  // Many of them at once.
).chain((headers) =>
  mostly(
    20,
    fc.constant(headers),
    fc.constant([
      ...headers,
      ...Array.from({ length: 100 }, (_, i): [string, string] => [`x-flood-${i}`, "z".repeat(50)]),
    ]),
  ),
);

/** Headers with the password, nearly always; each request comes from an address of its own, since addresses are counted. */
export function passwords({ password }: Access): fc.Arbitrary<[string, string][]> {
  const basic = (secret: string) => `Basic ${Buffer.from(`fuzz:${secret}`).toString("base64")}`;
  const given = fc.oneof(
    { weight: 20, arbitrary: fc.constant<[string, string][]>([["password", password]]) },
    { weight: 2, arbitrary: fc.constant<[string, string][]>([["authorization", `Bearer ${password}`]]) },
    { weight: 2, arbitrary: fc.constant<[string, string][]>([["Authorization", basic(password)]]) },
    {
      weight: 2,
      arbitrary: fc.constantFrom<[string, string][]>(
        [],
        [["password", "wrong"]],
        [["password", `wt1.${"A".repeat(60)}`]],
        [["password", ""]],
        [
          ["password", password],
          ["password", password],
        ],
        [["authorization", basic("wrong")]],
      ),
    },
  );
  return fc
    .tuple(given, fc.ipV4())
    .map(([headers, address]): [string, string][] => [...headers, ["cf-connecting-ip", address]]);
}

/** Methods: the right one nearly always. */
export function methods(right: string): fc.Arbitrary<string> {
  return mostly(
    14,
    fc.constant(right),
    fc.constantFrom("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"),
  );
}

/** A query of these parameters, some of them given twice, spelled oddly, or followed by what nobody asked for. */
export function queries(pairs: fc.Arbitrary<[string, unknown][]>): fc.Arbitrary<string> {
  const more = mostly(
    6,
    fc.constant(""),
    fc.constantFrom(
      ...[
        "&",
        "?",
        "&&=&=",
        "&x[]=1&x[]=2",
        "&__proto__=1&constructor=2",
        "&%",
        "&%ff=1",
        "&a=%ED%A0%80",
        "&humanDates=0",
      ],
      "&x=1".repeat(120),
      `&y=${"z".repeat(8_000)}`,
    ),
  );
  return fc.tuple(pairs, mostly(12, fc.constant(false), fc.constant(true)), more).map(([given, isTwice, rest]) => {
    const encoded = given.filter(([, value]) => value !== undefined).map(([name, value]) => `${name}=${encode(value)}`);
    const query = [...encoded, ...(isTwice ? encoded.slice(0, 1) : [])].join("&") + rest;
    return query === "" ? "" : `?${query}`;
  });
}

/** A value as an address has it. */
export function encode(value: unknown): string {
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  return encodeURIComponent(text.toWellFormed());
}
