import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { callWith, countStored, expectRefusal, titled } from "../support/app.ts";
import { call } from "../support/client.ts";
import { useTestClock } from "../support/clock.ts";
import { HOOK } from "../support/monitor.ts";

useTestClock();
afterEach(() => vi.restoreAllMocks());

const PULSE = { service: "refused", nextIn: 60, alertType: "webhook", alertTarget: "https://hooks.example/a" };

describe("a pulse is refused, names the field and stores nothing, when", () => {
  const cases: [field: string, fields: Record<string, unknown>][] = [
    ["service", { service: undefined }],
    ["service", { service: null }],
    ["service", { service: "" }],
    ["service", { service: 7 }],
    ["service", { service: true }],
    ["service", { service: ["a"] }],
    ["service", { service: { toString: "a" } }],
    ["service", { service: "a".repeat(201) }],
    ["service", { service: "🦊".repeat(201) }],
    ["service", { service: "nul \0" }],
    ["service", { service: "line\nbreak" }],
    ["service", { service: "tab\t" }],
    ["service", { service: "delete \u007f" }],
    ["service", { service: "c1 \u0085" }],
    ["nextIn", { nextIn: undefined }],
    ["nextIn", { nextIn: null }],
    ["nextIn", { nextIn: "" }],
    ["nextIn", { nextIn: "soon" }],
    ["nextIn", { nextIn: "60s" }],
    ["nextIn", { nextIn: "0x3c" }],
    ["nextIn", { nextIn: "1 2" }],
    ["nextIn", { nextIn: "١٢" }],
    ["nextIn", { nextIn: "1_000" }],
    ["nextIn", { nextIn: "Infinity" }],
    ["nextIn", { nextIn: "1e999" }],
    ["nextIn", { nextIn: "NaN" }],
    ["nextIn", { nextIn: 0 }],
    ["nextIn", { nextIn: -1 }],
    ["nextIn", { nextIn: -0.5 }],
    ["nextIn", { nextIn: 31_622_400.1 }],
    ["nextIn", { nextIn: 31_622_401 }],
    ["nextIn", { nextIn: 1e300 }],
    ["nextIn", { nextIn: true }],
    ["nextIn", { nextIn: [60] }],
    ["nextIn", { nextIn: {} }],
    ["grace", { grace: -1 }],
    ["grace", { grace: -0.5 }],
    ["grace", { grace: 86_401 }],
    ["grace", { grace: "much" }],
    ["grace", { grace: null }],
    ["alertType", { alertType: "carrier pigeon" }],
    ["alertType", { alertType: "Pushover" }],
    ["alertType", { alertType: "" }],
    ["alertType", { alertType: "__proto__" }],
    ["alertType", { alertType: "constructor" }],
    ["alertType", { alertType: 1 }],
    ["alertType", { alertType: null }],
    ["alertType", { alertType: undefined }],
    ["alertTarget", { alertTarget: undefined }],
    ["alertTarget", { alertTarget: "" }],
    ["alertTarget", { alertTarget: 12 }],
    ["alertTarget", { alertTarget: ["a@b.c"] }],
    ["alertTarget", { alertTarget: `https://h.example/${"a".repeat(2_000)}` }],
    ["alertTarget", { alertTarget: "hooks.example" }],
    ["alertTarget", { alertTarget: "ftp://hooks.example/" }],
    ["alertTarget", { alertTarget: "http://127.0.0.1/" }],
    ["alertTarget", { alertType: "mail", alertTarget: "ann@example.com\0" }],
  ];
  it.each(titled(cases))("%s is wrong: %s", async (field, _, fields) => {
    const before = await countStored();
    const answer = await call("POST", "/", { body: { ...PULSE, ...fields } });
    expectRefusal(answer, 400, field);
    expect(await countStored()).toEqual(before);
  });

  it("the number is beyond all numbers", async () => {
    expectRefusal(await call("POST", "/", { raw: `{"service":"refused","nextIn":1e999}` }), 400, "nextIn");
  });

  it("only one of type and target is given, also where there is a default", async () => {
    for (const left of ["alertType", "alertTarget"]) {
      const { [left as "alertType"]: _, ...body } = PULSE;
      expectRefusal(await call("POST", "/", { body }), 400, "alertType and alertTarget must be given together");
    }
  });

  it("neither is given, and there is no default", async () => {
    const variables = { DEFAULT_ALERT_TYPE: "", DEFAULT_ALERT_TARGET: "" };
    const answer = await callWith(variables, "POST", "/", { body: { service: "refused", nextIn: 60 } });
    expectRefusal(answer, 400, "alertType and alertTarget are missing");
  });

  it("the type is unknown: the hint has the list of types", async () => {
    const answer = await call("POST", "/", { body: { ...PULSE, alertType: "sms" } });
    expectRefusal(answer, 400, "alertType must be one of pushover, mail, email, webhook.");
  });
});

describe("a cancel is refused when", () => {
  it.each([undefined, null, "", 7, "\n", {}])("the service is %j", async (service) => {
    const before = await countStored();
    expectRefusal(await call("DELETE", "/heartbeat", { body: { service } }), 400, "service");
    expect(await countStored()).toEqual(before);
  });

  it("there is no body", async () => {
    expectRefusal(await call("DELETE", "/"), 400, "body is empty");
  });
});

describe("one service is refused when", () => {
  it.each(["/heartbeat/nobody", "/get/nobody", "/heartbeat?service=nobody"])(
    "nobody of that name ever pulsed: %s is a 404, and makes no object",
    async (path) => {
      const before = await countStored();
      expectRefusal(await call("GET", path), 404, "no service of this name");
      expect(await countStored()).toEqual(before);
    },
  );

  it.each([
    ["/heartbeat", "service"],
    ["/heartbeat/", "service"],
    ["/heartbeat?service=", "service"],
    ["/heartbeat?name=a", "service"],
    ["/get/%ff", "service must be percent-encoded UTF-8"],
    ["/get/%", "service must be percent-encoded UTF-8"],
    ["/get/%C3%28", "service must be percent-encoded UTF-8"],
    ["/get/%ED%A0%80", "service must be percent-encoded UTF-8"],
    ["/heartbeat?service=%ff", "service must be percent-encoded UTF-8"],
    ["/heartbeat?service=100%", "service must be percent-encoded UTF-8"],
    ["/heartbeat?%ff=1", "must be percent-encoded UTF-8"],
    ["/get/a%0Ab", "service"],
    ["/get/%00", "service"],
    [`/get/${"/".repeat(201)}`, "service"],
    ["/get/nobody?humanDates=yes", "humanDates"],
    ["/heartbeats?humanDates=2", "humanDates"],
    ["/?humanDates=tomorrow", "humanDates"],
  ])("the request is wrong: %s", async (path, hint) => {
    expectRefusal(await call("GET", path), 400, hint);
  });
});

describe("when the service's object can't be reached", () => {
  /** Stands in for the objects: every call to one fails so. */
  function failingObjects(properties: object) {
    const stub = { pulse: vi.fn(() => Promise.reject(Object.assign(new Error("secret detail"), properties))) };
    return { stub, namespace: { getByName: vi.fn(() => stub) } as unknown as typeof env.SERVICE_MONITOR };
  }

  it.each([
    ["a retryable failure is tried three times", { retryable: true }, 3],
    ["an overloaded object is left alone", { retryable: true, overloaded: true }, 1],
    ["another failure is not repeated", {}, 1],
  ])("%s, and the caller is asked to come again", async (_, properties, calls) => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const { stub, namespace } = failingObjects(properties);
    const answer = await callWith({ SERVICE_MONITOR: namespace }, "POST", "/", { body: PULSE });
    expectRefusal(answer, 503, "try again");
    expect(answer.headers.get("retry-after")).toBe("5");
    expect(stub.pulse).toHaveBeenCalledTimes(calls);
    expect(namespace.getByName).toHaveBeenCalledTimes(calls);
  });

  it("a retry that helps is all that it needs", async () => {
    const { stub, namespace } = failingObjects({ retryable: true });
    const snapshot = await env.SERVICE_MONITOR.getByName("helped").pulse({ nextInSeconds: 60, target: HOOK });
    stub.pulse.mockImplementationOnce(() => Promise.reject(Object.assign(new Error(), { retryable: true })));
    stub.pulse.mockImplementationOnce(() => Promise.resolve(snapshot) as Promise<never>);
    const answer = await callWith({ SERVICE_MONITOR: namespace }, "POST", "/", { body: PULSE });
    expect(answer.status).toBe(200);
    expect(stub.pulse).toHaveBeenCalledTimes(2);
  });
});
