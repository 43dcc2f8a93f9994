import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type Answer, callWith, expectRefusal, visit } from "../support/app.ts";
import { call, PASSWORD } from "../support/client.ts";
import { useTestClock } from "../support/clock.ts";

useTestClock();
afterEach(() => vi.restoreAllMocks());

const WITH_PASSWORD = { password: PASSWORD };

/** Every route, and the methods that it takes. */
const ROUTES: [path: string, methods: string[]][] = [
  ["/", ["GET", "POST", "DELETE"]],
  ["/heartbeat", ["GET", "POST", "DELETE"]],
  ["/heartbeats", ["GET"]],
  ["/heartbeat/x", ["GET"]],
  ["/get/x", ["GET"]],
  ["/event", ["POST"]],
  ["/add-event", ["POST"]],
  ["/events", ["GET", "POST"]],
  ["/list-events", ["GET"]],
  ["/hello", ["GET"]],
  ["/health", ["GET"]],
  ["/pings", ["GET"]],
];

describe("/health", () => {
  it("is 503 when the database refuses, without its words", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    vi.spyOn(env.DB, "prepare").mockImplementation(() => {
      throw new Error("D1_ERROR: secret detail");
    });
    const answer = await visit("GET", "/health");
    expectRefusal(answer, 503, "The database can't be reached");
    expect(answer.headers.get("retry-after")).toBe("10");
    expect(log.mock.calls.flat().join()).toContain("secret detail");
  });
});

describe("/hello", () => {
  it("refuses a flag that is none", async () => {
    expectRefusal(await call("GET", "/hello?humanDates=maybe"), 400, "humanDates");
  });
});

describe("an unknown route", () => {
  it.each(["/nothing", "/heartbeats/x", "/events/x", "/get", "/get/", "/Hello", "/health/x", "/index.html", "/%"])(
    "%s is a 404 whatever the method",
    async (path) => {
      for (const method of ["GET", "POST", "PUT", "DELETE", "PATCH"]) {
        expectRefusal(await call(method, path), 404, "no such route", `${method} ${path}`);
      }
      expect((await visit("HEAD", path, WITH_PASSWORD)).status).toBe(404);
    },
  );
});

describe("a method that a route does not take", () => {
  it.each(ROUTES)("%s is a 405 that says which it takes: %j", async (path, methods) => {
    const allowed = [...methods.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method])), "OPTIONS"];
    for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "PROPFIND"].filter(
      (name) => !methods.includes(name),
    )) {
      const answer = await call(method, path);
      expectRefusal(answer, 405, allowed.join(", "), `${method} ${path}`);
      expect(answer.headers.get("allow")).toBe(allowed.join(", "));
    }
  });
});

describe("HEAD", () => {
  it.each(ROUTES.filter(([, methods]) => methods.includes("GET")))(
    "%s answers as GET does, without the body",
    async (path) => {
      const [head, get] = [await visit("HEAD", path, WITH_PASSWORD), await call("GET", path)];
      expect(head.status).toBe(get.status);
      expect(head.headers.get("content-type")).toBe(get.headers.get("content-type"));
      expect(head.body).toBe("");
    },
  );
});

describe("a body that is too large", () => {
  const LIMIT = 512 * 1024;
  /** A pulse whose body has so many bytes. */
  const pulseOf = (bytes: number) => {
    const start = `{"service":"large","nextIn":60,"alertType":"mail","alertTarget":"a@b.c","padding":"`;
    return `${start}${"x".repeat(bytes - start.length - 2)}"}`;
  };
  /** A body in pieces, of which nobody knows the length beforehand. */
  const streamed = (text: string) => {
    const bytes = new TextEncoder().encode(text);
    let sent = 0;
    let cancelled = false;
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent >= bytes.length) return controller.close();
        controller.enqueue(bytes.slice(sent, sent + 65_536));
        sent += 65_536;
      },
      cancel() {
        cancelled = true;
      },
    });
    return { stream, state: () => ({ sent, cancelled }) };
  };

  it("is refused, with the limit", async () => {
    expectRefusal(await call("POST", "/", { raw: pulseOf(LIMIT + 1) }), 413, "524288 bytes");
    expectRefusal(await call("POST", "/event", { raw: "[".repeat(2 * LIMIT) }), 413, "524288 bytes");
  });

  it("is accepted up to the limit", async () => {
    const { status } = await call("POST", "/", { raw: pulseOf(LIMIT) });
    expect(status).toBe(200);
    expect((await call("POST", "/", { raw: streamed(pulseOf(LIMIT)).stream })).status).toBe(200);
  });

  it("is refused also when its length was not said, and no more of it is read than must be", async () => {
    const { stream, state } = streamed(pulseOf(4 * LIMIT));
    expectRefusal(await call("POST", "/", { raw: stream }), 413, "524288 bytes");
    expect(state().sent).toBeLessThan(2 * LIMIT);
  });

  it("counts bytes, not characters", async () => {
    const raw = `{"service":"large","padding":"${"é".repeat(LIMIT / 2)}"}`;
    expectRefusal(await call("POST", "/", { raw }), 413, "524288 bytes");
  });
});

describe("an error that nobody foresaw", () => {
  it("is a 500 with an id; what happened is in the log alone, under that id", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    vi.spyOn(env.DB, "prepare").mockImplementation(() => {
      throw new Error("secret detail", { cause: new Error("deeper secret") });
    });
    const { status, headers, body } = await call("GET", "/heartbeats");
    expect(status).toBe(500);
    expect(body).toEqual({
      result: 500,
      code: "internal",
      hint: "internal error",
      id: expect.stringMatching(/^\w{26}$/),
    });
    expect(JSON.stringify([body, [...headers]])).not.toContain("secret");

    const lines = log.mock.calls.map(([line]) => JSON.parse(line));
    const line = lines.find(({ event }) => event === "request.failed");
    expect(line).toMatchObject({ level: "error", id: body.id, method: "GET" });
    expect(JSON.stringify(line)).toContain("deeper secret");
  });
});

describe("refusals come in this order:", () => {
  const unconfigured = (method: string, path: string, body?: unknown): Promise<Answer> =>
    callWith({ PASSWORD: " " }, method, path, body === undefined ? {} : { body });

  it("not configured, everywhere, for the right password and for /health too", async () => {
    for (const [path, [method = ""]] of [...ROUTES, ["/nothing", ["GET"]] as [string, string[]]]) {
      const answer = await unconfigured(method, path);
      expectRefusal(answer, 503, "PASSWORD is not set", path);
      expect(answer.body.code).toBe("not_configured");
    }
    expectRefusal(await callWith({ PASSWORD: undefined }, "GET", "/"), 503, "PASSWORD");
    expectRefusal(await unconfigured("POST", "/", "[".repeat(600_000)), 503, "PASSWORD");
  });

  it("the password, before the route, the method and the body", async () => {
    for (const [method, path] of [
      ["GET", "/nothing"],
      ["PATCH", "/"],
      ["POST", "/"],
      ["GET", "/guix"],
      ["GET", "/healthy"],
      ["GET", "/health/"],
    ] as const) {
      expectRefusal(await visit(method, path), 403, "password", path);
    }
  });

  it("the route, before the method and the body", async () => {
    expectRefusal(await call("PATCH", "/nothing", { raw: "[" }), 404, "no such route");
  });

  it("the method, before the body", async () => {
    expectRefusal(await call("PUT", "/", { raw: "[".repeat(600_000) }), 405, "GET");
  });

  it("at last the body", async () => {
    expectRefusal(await call("POST", "/", { raw: "[" }), 400, "JSON");
  });
});

describe("cross-origin calls", () => {
  const origin = { origin: "https://dashboard.example" };

  it("are allowed from anywhere, and never with cookies", async () => {
    const { headers } = await call("GET", "/heartbeats", { headers: origin });
    expect(headers.get("access-control-allow-origin")).toBe("*");
    expect(headers.has("access-control-allow-credentials")).toBe(false);
  });

  it("can read refusals and errors as well", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const answers = [
      await visit("GET", "/heartbeats", origin),
      await call("GET", "/nothing", { headers: origin }),
      await call("PUT", "/", { headers: origin }),
      await call("POST", "/", { headers: origin, raw: "[" }),
      await callWith({ PASSWORD: "" }, "GET", "/", { headers: origin }),
    ];
    vi.spyOn(env.DB, "prepare").mockImplementation(() => {
      throw new Error("no");
    });
    answers.push(await call("GET", "/heartbeats", { headers: origin }), await visit("GET", "/health", origin));
    expect(answers.map(({ status }) => status)).toEqual([403, 404, 405, 400, 503, 500, 503]);
    for (const { status, headers } of answers)
      expect(headers.get("access-control-allow-origin"), `${status}`).toBe("*");
  });

  it.each(["/", "/heartbeat", "/event", "/nothing"])(
    "may be asked for before, without the password: %s",
    async (path) => {
      const { status, headers, body } = await visit("OPTIONS", path, {
        ...origin,
        "access-control-request-method": "DELETE",
        "access-control-request-headers": "password,content-type",
      });
      expect(status).toBe(204);
      expect(body).toBe("");
      expect(headers.get("access-control-allow-origin")).toBe("*");
      expect(headers.get("access-control-allow-methods")).toBe("GET,HEAD,POST,PUT,DELETE");
      expect(headers.get("access-control-allow-headers")).toBe("password,content-type");
      expect(headers.get("access-control-max-age")).toBe("86400");
    },
  );

  it("OPTIONS needs no password in any other way either", async () => {
    expect((await visit("OPTIONS", "/")).status).toBe(204);
    expect((await visit("OPTIONS", "/", { password: `not ${PASSWORD}` })).status).toBe(204);
  });
});
