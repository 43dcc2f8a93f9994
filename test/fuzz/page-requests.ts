import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { tame } from "./bodies.ts";
import {
  type Access,
  encode,
  type FuzzRequest,
  methods,
  mostly,
  NAMES,
  oddHeaders,
  queries,
  texts,
} from "./request.ts";

/** A page, the parameters that it knows, and the fields of its form where it has one. */
interface Page {
  path: string;
  query?: Record<string, unknown[]>;
  form?: Record<string, unknown[]>;
}

const ID = "01K00000000000000000000000";
const DATES = ["2026-01-01T00:00", "0", "999999999999", "x", "2026-02-30T25:61", "1".repeat(2_000)];
const ZONES = ["UTC", "Europe/Paris", "eUrOpE/pArIs", "+01:23", "Nowhere/Land", "x".repeat(1_000)];
const EVENTS = {
  since: [60, 86_400, -1, "x"],
  from: DATES,
  to: DATES,
  zone: ZONES,
  preset: ["", "none"],
  service: NAMES,
  level: ["error", 3, 1001, ""],
  message: ["x", "%", "_", "\0"],
  before: [ID, "x", ""],
  after: [ID, "7".repeat(26)],
  live: ["1", ""],
};
const DONE = ["paused", "forgotten", "x"];
const ACTIONS = {
  action: ["pause", "cancel", "test", "forget", "other", ""],
  minutes: [0, 30, 43_200, 43_201, -1, "x", 1e99],
};

const PAGES: Page[] = [
  { path: "/gui", query: { q: ["f", "\0"], state: ["dead", "alive", "x"], done: DONE } },
  { path: "/gui/refresh", query: { after: [0, 1, -1, "x", Number.MAX_SAFE_INTEGER, 1e300], overdue: NAMES } },
  { path: "/gui/services", query: { service: NAMES, done: DONE }, form: ACTIONS },
  ...NAMES.map((name): Page => ({ path: `/gui/services/${encode(name)}`, query: { done: DONE }, form: ACTIONS })),
  { path: "/gui/services/%ff" },
  { path: "/gui/events", query: EVENTS },
  { path: "/gui/events/new", query: { ...EVENTS, next: [ID, "x"] } },
  {
    path: "/gui/alerts",
    query: { service: NAMES, state: ["failed", "x"], before: [ID, "x"], done: DONE },
    form: { id: [ID, "x", ""] },
  },
  {
    path: "/gui/setup",
    form: {
      type: ["webhook", "mail", "pushover", "x"],
      target: ["http://here", "a@b.c", "u".repeat(30), "", "x".repeat(2_001)],
    },
  },
  {
    path: "/gui/login",
    query: { next: ["/gui/alerts", "//evil.example", "\\\\x"], wrong: ["1"] },
    form: { password: ["wrong", ""], next: NAMES },
  },
  { path: "/gui/logout", form: {} },
  { path: "/gui/nowhere" },
  { path: "/gui/" },
];

/** Requests of the web interface, with the session's cookie, a forged one or none. */
export function pageRequests(access: Access): fc.Arbitrary<FuzzRequest> {
  const cookie = fc.oneof(
    { weight: 8, arbitrary: fc.constant(access.cookie) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        "",
        "watchtower=",
        `${access.cookie}x`,
        `watchtower=x; ${access.cookie}`,
        access.cookie.slice(0, -4),
      ),
    },
  );
  return fc.constantFrom(...PAGES).chain((page) =>
    fc
      .record({
        method: methods(page.form === undefined ? "GET" : "POST"),
        query: queries(fieldsOf(page.query)),
        form: fieldsOf(page.form),
        isPacked: mostly(9, fc.constant(false), fc.constant(true)),
        cookie,
        odd: oddHeaders,
        address: fc.ipV4(),
      })
      .map(({ method, query, form, isPacked, cookie, odd, address }): FuzzRequest => {
        const fields = tame(form, access.stubUrl);
        const text = fields.map(([name, value]) => `${name}=${encode(value)}`).join("&");
        const hasBody = method !== "GET" && method !== "HEAD";
        return {
          method,
          target: page.path + query,
          headers: [
            ...odd,
            ["cookie", cookie],
            ["cf-connecting-ip", address],
            ["content-type", "application/x-www-form-urlencoded"],
            ...(hasBody && isPacked ? [["content-encoding", "gzip"] as [string, string]] : []),
          ],
          body: hasBody ? (isPacked ? gzipSync(text) : new TextEncoder().encode(text)) : undefined,
          sending: "whole",
        };
      }),
  );
}

/** Some of the fields, with values that are known to matter more often than not. */
function fieldsOf(known: Record<string, unknown[]> = {}): fc.Arbitrary<[string, unknown][]> {
  const values = Object.entries(known).map(([name, choices]) => [name, mostly(4, fc.constantFrom(...choices), texts)]);
  return fc.record(Object.fromEntries(values), { requiredKeys: [] }).map((fields) => Object.entries(fields));
}
