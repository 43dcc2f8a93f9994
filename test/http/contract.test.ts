import { env } from "cloudflare:workers";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import description from "../../public/openapi.json";
import { createRoutes } from "../../src/app.ts";
import { ulids } from "../../src/domain/ulid.ts";
import { MOST_COUNTED } from "../../src/storage/event-counts.ts";
import { type Answer, callWith, visit } from "../support/app.ts";
import { call } from "../support/client.ts";
import { useTestClock } from "../support/clock.ts";
import {
  describedProperties,
  deviations,
  edgeValues,
  type Operation,
  objections,
  objectsNear,
  operations,
  presentProperties,
  type Schema,
} from "../support/contract.ts";
import { accept, breakD1, HOOK, interceptProviders, MINUTELY, monitorOf, runAlarm } from "../support/monitor.ts";
import { event as eventAt, storeEvents } from "../support/rows.ts";

useTestClock();
beforeEach(() => {
  interceptProviders(accept);
});
afterEach(() => vi.restoreAllMocks());

const BODIES: Record<string, unknown> = {
  Pulse: { service: "described", nextIn: 60, alertType: HOOK.type, alertTarget: HOOK.target },
  Cancellation: { service: "described" },
  NewEvent: { service: "described", message: "hello" },
  NewKey: { service: "described", maxNextIn: 60 },
  NewEvents: [{ service: "described", message: "hello" }],
  NewRule: { q: "nothing of this" },
  Logs: { resourceLogs: [{ scopeLogs: [{ logRecords: [{}] }] }] },
};
/** What a parameter is that has to be given. */
const REQUIRED: Record<string, string> = { kind: "services" };
/** Whose body is lines, of any kind: one that can't be read at all is refused. */
const takesLines = ({ path }: Operation) => path === "/import";
/** The one operation that speaks a protocol of others: test/http/otlp.test.ts tries what it is given. */
const isOtlp = ({ path }: Operation) => path === "/v1/logs";
const listsEvents = ({ path }: Operation) => path.endsWith("events");
const takesMany = ({ body }: Operation) => body?.type === "array";
const bodyOf = (operation: Operation) => {
  const { method, path } = operation;
  if (method === "DELETE") return BODIES.Cancellation;
  if (takesMany(operation)) return BODIES.NewEvents;
  if (method === "PUT") return BODIES.NewRule;
  if (isOtlp(operation)) return BODIES.Logs;
  return BODIES[path === "/key" ? "NewKey" : path.includes("event") ? "NewEvent" : "Pulse"];
};
const pathOf = ({ path }: Operation, service = "described") => path.replace(/\{\w+\}/, encodeURIComponent(service));
const withQuery = (path: string, query: Record<string, unknown>) => {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  return `${path}?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`;
};

/** A good request of an operation: whatever it requires, it has. */
function ask(operation: Operation, { service = "described", body = bodyOf(operation) as unknown, query = {} } = {}) {
  const required = operation.parameters.filter((parameter) => parameter.in === "query" && parameter.required);
  const given = Object.fromEntries(required.map(({ name }) => [name, name === "service" ? service : REQUIRED[name]]));
  const path = withQuery(pathOf(operation, service), { ...given, ...query });
  return call(operation.method, path, operation.body ? { body } : {});
}

/** How each status that is described comes about. */
const SCENARIOS: Record<string, (operation: Operation) => Promise<Answer>> = {
  "200": async (operation) => {
    await monitorOf("described").pulse(MINUTELY);
    await call("PUT", "/rules/described", { body: BODIES.NewRule });
    return ask(operation);
  },
  "302": (operation) => visit(operation.method, operation.path, { accept: "text/html" }),
  "400": (operation) => {
    if (takesLines(operation)) return call(operation.method, operation.path, { raw: new Uint8Array([0xff]) });
    if (takesMany(operation) || isOtlp(operation)) return call(operation.method, operation.path, { raw: "[" });
    if (operation.path === "/rules/{rule}" && !operation.body) return ask(operation, { service: "\n" });
    return operation.body
      ? ask(operation, { body: {} })
      : ask(operation, { query: { humanDates: "perhaps", kind: "?" } });
  },
  "403": (operation) => visit(operation.method, pathOf(operation)),
  "404": (operation) => ask(operation, { service: "nobody" }),
  "413": (operation) => call(operation.method, operation.path, { raw: new Uint8Array(1_100_000) }),
  "429": (operation) => {
    vi.mocked(env.FAILED_PASSWORDS.limit).mockResolvedValue({ success: false });
    vi.spyOn(console, "warn").mockReturnValue();
    return visit(operation.method, pathOf(operation), { password: "wrong" });
  },
  "500": (operation) => {
    // The comparison of passwords is what all routes do, and nothing of it is expected to fail.
    vi.spyOn(crypto.subtle, "digest").mockRejectedValue(new Error("secret detail"));
    return visit(operation.method, pathOf(operation), { password: "never seen before" });
  },
  "503": (operation) => callWith({ PASSWORD: undefined }, operation.method, pathOf(operation)),
};

describe("the description", () => {
  it("has every route of the app, and no other", () => {
    const routes = createRoutes()
      .routes.filter(({ method, path }) => method !== "ALL" && !path.startsWith("/gui"))
      .map(
        ({ method, path }) => `${method} ${path.replace(/:name\{.*\}/, "{service}").replace(/:rule\{.*\}/, "{rule}")}`,
      );
    expect(operations.map(({ method, path }) => `${method} ${path}`).sort()).toEqual([...new Set(routes)].sort());
  });

  it("gives each operation a name of its own", () => {
    expect(new Set(operations.map(({ id }) => id)).size).toBe(operations.length);
  });

  it("lists each code of an error that there is", async () => {
    const { ERROR_STATUS } = await import("../../src/domain/errors.ts");
    const codes = Object.values(description.components.responses).flatMap((response) => {
      const { code } = response.content["application/json"].schema.properties as {
        code: { const?: string; enum?: string[] };
      };
      return code.enum ?? [code.const];
    });
    expect(codes.sort()).toEqual(Object.keys(ERROR_STATUS).sort());
  });
});

describe.each(operations.map((operation) => [`${operation.method} ${operation.path}`, operation] as const))(
  "%s",
  (_, operation) => {
    it.each(Object.keys(operation.responses))("answers %s as described", async (status) => {
      const scenario = SCENARIOS[status];
      if (!scenario) throw new Error(`There is no scenario for ${status}.`);
      const answer = await scenario(operation);
      expect(answer.status, JSON.stringify(answer.body)).toBe(Number(status));
      expect(deviations(operation, answer)).toEqual([]);
    });
  },
);

describe("every path", () => {
  it.each(Object.keys(description.paths))(
    "%s refuses the methods that are not described, and lists the others",
    async (path) => {
      const described = operations.filter((operation) => operation.path === path).map(({ method }) => method);
      for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE"].filter((other) => !described.includes(other))) {
        const answer = await call(method, path.replace(/\{\w+\}/, "described"));
        expect(answer.status, method).toBe(405);
        expect(answer.body).toEqual(
          path === "/v1/logs"
            ? { code: 12, message: expect.any(String) }
            : { result: 405, code: "method_not_allowed", hint: expect.any(String) },
        );
        const allowed = answer.headers.get("allow")?.split(", ") ?? [];
        expect(allowed.filter((name) => name !== "HEAD" && name !== "OPTIONS").sort()).toEqual([...described].sort());
      }
    },
  );
});

describe("what is described of answers", () => {
  it("occurs, all of it", async () => {
    const full = {
      ...(BODIES.Pulse as object),
      service: "full",
      grace: 1,
      remindEvery: 60,
      pauseUntil: Math.floor(Date.now() / 1000) + 600,
      alerts: [{ type: "mail", target: "not an address" }],
    };
    const event = { service: "full", message: "x", fields: { host: "a", free: 1, ok: true } };
    const bodies: Record<string, unknown[]> = {
      pulse: [full],
      cancel: [{ service: "full" }, { service: "nobody" }],
      addEvent: [{ ...event, alert: true }, event],
      addEvents: [[{ ...event, alert: true }, {}, event]],
      logs: [BODIES.Logs, { resourceLogs: [{ scopeLogs: [{ logRecords: ["none"] }] }] }],
      key: [{ service: "full", maxNextIn: 60 }],
    };
    const seen = new Set<string>();
    const look = (operation: Operation, answer: Answer) => {
      expect(deviations(operation, answer)).toEqual([]);
      for (const property of presentProperties(answer.body)) seen.add(`${operation.id}: ${property}`);
    };
    vi.spyOn(console, "log").mockReturnValue();
    const missing = { DEFAULT_ALERT_TYPE: undefined, DEFAULT_ALERT_TARGET: undefined };
    const presets = { EVENTS_PRESETS: '[{"name":"a","service":"b","message":"c"}]', GRACE_SECONDS: "?" };
    for (const operation of operations.filter(({ method }) => method === "PUT")) {
      const badTarget = { alertType: "mail", alertTarget: "not an address" };
      for (const service of ["full", "described"]) {
        look(operation, await ask(operation, { service, body: { ...(BODIES.NewRule as object), ...badTarget } }));
      }
    }
    for (const operation of operations.filter(({ method }) => method === "POST")) {
      const adding = takesMany(operation) ? "addEvents" : "addEvent";
      const kind =
        operation.path === "/key"
          ? "key"
          : operation.path.includes("event")
            ? adding
            : isOtlp(operation)
              ? "logs"
              : "pulse";
      for (const body of bodies[kind] ?? []) {
        look(operation, await ask(operation, { body }));
        if (kind === adding) {
          const mend = breakD1();
          look(operation, await ask(operation, { body }));
          mend();
        }
        look(operation, await callWith(missing, operation.method, operation.path, { body }));
      }
    }
    // It is reminded for ever; until its pause is over and it is told dead will do.
    for (let runs = 0; runs < 4; runs++) await runAlarm("full");
    for (const operation of operations.filter(({ method }) => method === "GET")) {
      // A dead service is paused no more, so each answer is looked at in both states.
      await call("POST", "/", { body: { ...full, pauseUntil: Math.floor(Date.now() / 1000) + 600 } });
      await runAlarm("full", Date.now() + 1);
      const query =
        operation.id === "listPings" || operation.id === "health" ? {} : { humanDates: 1, limit: 1, from: 0 };
      look(operation, await ask(operation, { service: "full", query }));
      // Not each event has fields, and the newest is of the service's death.
      if (listsEvents(operation)) look(operation, await ask(operation, { service: "full", query: { from: 0 } }));
      if (operation.id === "eventStats") {
        await storeEvents(...ulids(Date.now(), MOST_COUNTED.free).map((id) => eventAt(0, { id })));
        look(operation, await callWith({ PLAN: "free" }, "GET", "/events/stats"));
      }
      if (operation.id === "hello") look(operation, await callWith(presets, "GET", "/hello"));
    }
    for (const operation of operations.filter(({ method }) => method === "DELETE")) {
      for (const body of bodies.cancel ?? []) look(operation, await ask(operation, { body }));
    }
    const described = operations.flatMap((operation) => {
      const schema = operation.responses["200"];
      return schema ? describedProperties(schema).map((property) => `${operation.id}: ${property}`) : [];
    });
    expect(described.filter((property) => !seen.has(property))).toEqual([]);
  });
});

/** The operations that take something, with what they take: a body with fields, or a query. */
const inputs = operations
  .filter((operation) => !takesMany(operation) && !isOtlp(operation))
  .flatMap((operation) => {
    const query = operation.parameters.filter((parameter) => parameter.in === "query");
    const schema: Schema | undefined =
      operation.body ??
      (query.length === 0
        ? undefined
        : {
            type: "object",
            properties: Object.fromEntries(query.map(({ name, schema }) => [name, schema])),
            required: query.filter(({ required }) => required).map(({ name }) => name),
          });
    return schema ? [[`${operation.method} ${operation.path}`, operation, schema] as const] : [];
  });

/** Sends an input, and returns it as it was sent: a query knows texts alone, and what is left empty is not given. */
async function send(operation: Operation, input: Record<string, unknown>) {
  if (operation.body) return { said: input, answer: await call(operation.method, operation.path, { body: input }) };
  const said = Object.fromEntries(
    Object.entries(input)
      .filter(([, value]) => value !== undefined && String(value) !== "")
      .map(([name, value]) => [name, String(value).toWellFormed()]),
  );
  return { said, answer: await call("GET", withQuery(pathOf(operation), said)) };
}

describe.each(inputs)("what %s is given", (_, operation, schema) => {
  it("is answered as described, and refused where the description forbids it, at the edge of each field", async () => {
    await monitorOf("described").pulse(MINUTELY);
    const good = (operation.body ? bodyOf(operation) : { service: "described" }) as Record<string, unknown>;
    // These have forms that the description tells in words alone.
    const inWords = ["cursor", "after", "lastEventId", "q", "from", "to", "pauseUntil", "alertTarget", "date", "id"];
    for (const [name, field] of Object.entries(schema.properties ?? {})) {
      for (const value of [undefined, ...edgeValues(field)]) {
        const { said, answer } = await send(operation, { ...good, [name]: value });
        const what = `${name}: ${JSON.stringify(value)?.slice(0, 60)} is answered ${JSON.stringify(answer.body)}`;
        const objected = objections(schema, said);
        expect(deviations(operation, answer), what).toEqual([]);
        if (objected.length > 0) expect(answer.status, what).toBe(400);
        else if (!inWords.includes(name) && !isHalfATarget(said) && !isFraction(said[name]))
          expect([200, 404], what).toContain(answer.status);
      }
    }
  });

  it("is answered as described, whatever comes", async () => {
    await fc.assert(
      fc.asyncProperty(objectsNear(schema), async (input) => {
        const { said, answer } = await send(operation, input);
        const objected = objections(schema, said);
        expect(deviations(operation, answer)).toEqual([]);
        expect(objected.length > 0 ? [400] : [200, 400, 404], objected.join("; ")).toContain(answer.status);
      }),
      { seed: 20_261_122, numRuns: 120 },
    );
  });
});

/** Fractions of seconds are rounded up, those of other numbers are refused: the description doesn't speak of them. */
function isFraction(value: unknown): boolean {
  return Number.isFinite(Number(value)) && Number(value) % 1 !== 0;
}

/** The description can't say that two fields go together. */
function isHalfATarget(said: Record<string, unknown>): boolean {
  return (said.alertType === undefined) !== (said.alertTarget === undefined);
}
