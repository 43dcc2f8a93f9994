import { env, exports } from "cloudflare:workers";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { Event } from "../../src/domain/event.ts";
import { ulids } from "../../src/domain/ulid.ts";
import { EXPORT_PAGE } from "../../src/http/event-export.ts";
import { callWith, expectRefusal, refuseQueries, visit } from "../support/app.ts";
import { call, PASSWORD } from "../support/client.ts";
import { event, storeEvents } from "../support/rows.ts";

afterEach(() => vi.restoreAllMocks());

const T0 = Date.UTC(2030, 0, 1);
const MANY = EXPORT_PAGE.limit * 2 + 10;
const ids = ulids(T0, MANY);

beforeAll(async () => {
  const rows = ids.map((id, i) => event(0, { id, service: "many", message: `event ${i}`, level: i % 2 }));
  for (let i = 0; i < rows.length; i += 5_000) await storeEvents(...rows.slice(i, i + 5_000));
});

/** The lines of an export, each of which has its end. */
async function linesOf(query: string, end = "\n"): Promise<string[]> {
  const { status, body } = await call("GET", `/events/export?${query}`);
  expect(status, JSON.stringify(body)).toBe(200);
  const lines = body.split(end);
  expect(lines.pop()).toBe("");
  return lines;
}

const idsOf = (lines: string[]) => lines.map((line) => JSON.parse(line).id);

/** How often the parts of an export are asked for. */
function watchParts() {
  return vi.spyOn(env.BULK_READER as NonNullable<typeof env.BULK_READER>, "getByName");
}

describe("an export", () => {
  it("has all events, oldest first, whatever their date, over several parts", async () => {
    expect(idsOf(await linesOf("service=many"))).toEqual(ids);
    expect(idsOf(await linesOf(""))).toEqual(ids);
  });

  it("says what it is, and has a name", async () => {
    const { headers } = await call("GET", "/events/export?service=none");
    expect(headers.get("content-type")).toBe("application/x-ndjson; charset=utf-8");
    expect(headers.get("content-disposition")).toMatch(/^attachment; filename="events-\d{4}-\d\d-\d\d\.ndjson"$/);
    const csv = await call("GET", "/events/export?service=none&format=csv");
    expect(csv.headers.get("content-type")).toBe("text/csv; charset=utf-8; header=present");
    expect(csv.headers.get("content-disposition")).toMatch(/\.csv"$/);
  });

  it("is empty where nothing is found, but for the head of CSV", async () => {
    expect(await linesOf("service=none")).toEqual([]);
    expect(await linesOf("service=none&format=csv", "\r\n")).toEqual(["id,date,service,level,message,alert,fields"]);
  });

  it("goes on after any event, and then has no head", async () => {
    const at = EXPORT_PAGE.limit + 3;
    expect(idsOf(await linesOf(`service=many&after=${ids[at]}`))).toEqual(ids.slice(at + 1));
    expect(idsOf(await linesOf(`after=${ids[at]}&to=${T0 / 1_000 - 1}`))).toEqual([]);
    const csv = await linesOf(`service=many&after=${ids.at(-3)}&format=csv`, "\r\n");
    expect(csv.map((line) => line.split(",")[0])).toEqual(ids.slice(-2));
  });

  it("is the same where there is no other object to make its parts", async () => {
    const { body } = await callWith({ BULK_READER: undefined }, "GET", "/events/export?service=many");
    expect(body).toBe((await linesOf("service=many")).map((line) => `${line}\n`).join(""));
  });

  it("answers HEAD as it would answer GET, and reads nothing", async () => {
    const prepare = vi.spyOn(env.DB, "prepare");
    const { status, headers, body } = await visit("HEAD", "/events/export?service=many&format=csv", {
      password: PASSWORD,
    });
    expect(status).toBe(200);
    expect(body).toBe("");
    expect(headers.get("content-type")).toBe("text/csv; charset=utf-8; header=present");
    expect(headers.get("content-disposition")).toMatch(/\.csv"$/);
    expect(prepare).not.toHaveBeenCalled();
    expect((await visit("HEAD", "/events/export?format=xml", { password: PASSWORD })).status).toBe(400);
  });

  it("writes dates as they are asked for", async () => {
    const [line] = await linesOf("service=many&humanDates=1");
    expect(JSON.parse(line ?? "")).toMatchObject({ date: "2030-01-01 00:00:00" });
  });

  it.each([
    ["format=xml", "format must be one of ndjson, csv."],
    ["after=1", "after must be the id of an event."],
    ["from=2&to=1", "from must not be after to."],
    ["q=%22", "q can't be read at character 1: the quote that begins here does not end."],
    ["field.=1", "field.NAME"],
  ])("is refused for %s", async (query, hint) => {
    expectRefusal(await call("GET", `/events/export?${query}`), 400, hint);
  });

  it("needs a password, and the one that reads will do", async () => {
    expectRefusal(await visit("GET", "/events/export"), 403, /password/);
    expect((await visit("GET", "/events/export?service=none", { password: "only looking" })).status).toBe(200);
  });
});

describe("an export that can't go on", () => {
  /** Makes the parts after the first so many fail. */
  function failAfter(parts: number) {
    const prepare = env.DB.prepare.bind(env.DB);
    let asked = 0;
    return vi.spyOn(env.DB, "prepare").mockImplementation((sql) => {
      if (sql.includes('from "events"') && ++asked > parts) throw new Error("D1_ERROR: D1 DB is overloaded.");
      return prepare(sql);
    });
  }

  it("has no proper end, and is whole together with what comes after its last whole line", async () => {
    failAfter(1);
    const request = new Request("https://tower.example/events/export?service=many", {
      headers: { password: PASSWORD },
    });
    const response = await exports.default.fetch(request);
    expect(response.status).toBe(200);
    let text = "";
    const decoder = new TextDecoder();
    const read = async () => {
      for await (const chunk of response.body as ReadableStream<Uint8Array>)
        text += decoder.decode(chunk, { stream: true });
    };
    await expect(read()).rejects.toThrow();
    vi.restoreAllMocks();
    const found = idsOf(text.split("\n").slice(0, -1));
    expect(found).toEqual(ids.slice(0, EXPORT_PAGE.limit));
    expect([...found, ...idsOf(await linesOf(`service=many&after=${found.at(-1)}`))]).toEqual(ids);
  });

  it("tries a part again", async () => {
    const prepare = env.DB.prepare.bind(env.DB);
    let asked = 0;
    vi.spyOn(env.DB, "prepare").mockImplementation((sql) => {
      if (sql.includes('from "events"') && ++asked % 3 !== 0) throw new Error("D1_ERROR: Network connection lost.");
      return prepare(sql);
    });
    expect(idsOf(await linesOf("service=many"))).toEqual(ids);
  });

  it("is refused with 503 where it can't even begin", async () => {
    refuseQueries();
    const answer = await call("GET", "/events/export");
    expectRefusal(answer, 503, "The export can't be made now; please try again.");
    expect(answer.headers.get("retry-after")).toBe("5");
  });

  it("asks for no more parts when nobody reads on", async () => {
    const parts = watchParts();
    const request = new Request("https://tower.example/events/export?service=many", {
      headers: { password: PASSWORD },
    });
    const response = await exports.default.fetch(request);
    await response.body?.cancel();
    // One hands the request over; of the three parts one or two are made ahead.
    expect(parts.mock.calls.length).toBeLessThan(1 + 3);
  });
});

describe("CSV", () => {
  const service = "spread";
  const stored: [Partial<Event>, string][] = [
    [{ message: "plain" }, "plain,false,"],
    [{ message: 'say "no", or\nyes\r', alert: true }, '"say ""no"", or\nyes\r",true,'],
    [{ message: "=HYPERLINK(1)" }, "'=HYPERLINK(1),false,"],
    [{ message: "+1" }, "'+1,false,"],
    [{ message: "-1" }, "'-1,false,"],
    [{ message: "@SUM(1,2)" }, `"'@SUM(1,2)",false,`],
    [{ message: "\t=1" }, "'\t=1,false,"],
    [{ message: "\r=1" }, `"'\r=1",false,`],
    [{ message: "＝1" }, "'＝1,false,"],
    [{ message: "'tis" }, "''tis,false,"],
    [{ message: " =1" }, " =1,false,"],
    [
      { message: "a", fields: { host: "web,1", n: 5, isLast: true } },
      `a,false,"{""host"":""web,1"",""n"":5,""isLast"":true}"`,
    ],
  ];

  it("quotes what needs it, and lets no text be a formula", async () => {
    const ids = ulids(T0 + 1_000, stored.length);
    await storeEvents(
      ...stored.map(([fields, _], i) => event(0, { id: ids[i] as string, service, level: 4, ...fields })),
    );
    const { body } = await call("GET", `/events/export?service=${service}&format=csv`);
    const lines = stored.map(([, line], i) => `${ids[i]},${T0 / 1_000 + 1},${service},4,${line}\r\n`);
    expect(body).toBe(`id,date,service,level,message,alert,fields\r\n${lines.join("")}`);
  });

  it("lets no name of a service be a formula either", async () => {
    await storeEvents(event(T0 + 2_000, { service: "=1", message: "x" }));
    const [, line] = await linesOf("service=%3D1&format=csv", "\r\n");
    expect(line?.split(",")[2]).toBe("'=1");
  });
});
