import fc from "fast-check";
import { type Operation, objectsNear, operations, valuesOf } from "../support/contract.ts";
import { type Body, bodies } from "./bodies.ts";
import { pageRequests } from "./page-requests.ts";
import {
  type Access,
  encode,
  type FuzzRequest,
  methods,
  mostly,
  NAMES,
  oddHeaders,
  passwords,
  queries,
  texts,
} from "./request.ts";

/** How a body is sent; it is cut off now and then. */
const sendings = fc.constantFrom<FuzzRequest["sending"]>(
  ...Array<"whole">(20).fill("whole"),
  ...Array<"chunked">(5).fill("chunked"),
  "cut",
);

/** Requests of every operation that is described, of every page, and of nothing that there is. */
export function fuzzRequests(access: Access): fc.Arbitrary<FuzzRequest> {
  return fc.oneof(
    ...operations.map((operation) => ({ weight: 3, arbitrary: operationRequests(operation, access) })),
    { weight: 15, arbitrary: pageRequests(access) },
    { weight: 2, arbitrary: lostRequests(access) },
  );
}

function operationRequests(operation: Operation, access: Access): fc.Arbitrary<FuzzRequest> {
  const body: fc.Arbitrary<Body | undefined> = operation.body
    ? mostly(30, bodies(operation.body, access), fc.constant(undefined))
    : fc.constant(undefined);
  return fc
    .record({
      method: methods(operation.method),
      path: pathsOf(operation),
      query: queries(parametersOf(operation)),
      password: passwords(access),
      odd: oddHeaders,
      body,
      sending: sendings,
    })
    .map(({ method, path, query, password, odd, body, sending }) => ({
      method,
      target: path + query,
      headers: [...password, ...odd, ...(body?.headers ?? [])],
      body: method === "GET" || method === "HEAD" ? undefined : body?.bytes,
      sending,
    }));
}

function pathsOf({ path }: Operation): fc.Arbitrary<string> {
  if (!path.includes("{")) return fc.constant(path);
  const name = mostly(2, fc.constantFrom(...NAMES), texts);
  const spelled = fc.oneof(
    { weight: 8, arbitrary: name.map(encode) },
    {
      weight: 1,
      arbitrary: fc.constantFrom("%", "%ff", "%ED%A0%80", "%2e%2e", "../x", "a//b/", "%00", "x".repeat(9_000)),
    },
  );
  return spelled.map((service) => path.replace("{service}", service));
}

function parametersOf({ parameters }: Operation): fc.Arbitrary<[string, unknown][]> {
  const inQuery = parameters.filter((parameter) => parameter.in === "query");
  if (inQuery.length === 0) return fc.constant([]);
  const near = objectsNear({
    type: "object",
    properties: Object.fromEntries(inQuery.map(({ name, schema }) => [name, schema])),
    required: inQuery.filter(({ required }) => required).map(({ name }) => name),
  });
  const known = { cursor: cursors, service: mostly(2, fc.constantFrom(...NAMES), texts) };
  const better = fc.record(
    Object.fromEntries(
      inQuery.map(({ name, schema }) => [name, known[name as keyof typeof known] ?? valuesOf(schema)]),
    ),
    { requiredKeys: [] },
  );
  return fc.tuple(near, mostly(1, better, fc.constant({}))).map(([a, b]) => Object.entries({ ...a, ...b }));
}

/** Cursors that nobody gave out. */
const cursors = fc
  .tuple(
    fc.nat({ max: 2_000_000_000 }),
    fc.nat({ max: 4_000_000_000 }),
    fc.stringMatching(/^01[0-9A-HJKMNP-TV-Z]{24}$/),
  )
  .map(([from, to, id]) => `${from}.${to}.${id}`);

/** What is no route of ours. */
function lostRequests(access: Access): fc.Arbitrary<FuzzRequest> {
  const segment = fc.oneof(
    texts.map(encode),
    fc.constantFrom(
      "heartbeat",
      "get",
      "event",
      "gui",
      "..",
      ".",
      "%",
      "%ff",
      "%2f",
      "%2e%2e",
      "",
      "*",
      ":name",
      "cdn-cgi",
    ),
  );
  return fc
    .record({
      method: methods("GET"),
      segments: fc.array(segment, { maxLength: 4 }),
      password: passwords(access),
      odd: oddHeaders,
    })
    .map(({ method, segments, password, odd }) => ({
      method,
      target: `/${segments.join("/")}`,
      headers: [...password, ...odd],
      sending: "whole",
    }));
}
