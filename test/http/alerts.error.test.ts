import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { expectRefusal } from "../support/app.ts";
import { call } from "../support/client.ts";
import { useTestClock } from "../support/clock.ts";

useTestClock();
afterEach(() => vi.restoreAllMocks());

describe("a list of alerts is refused, and names the parameter, when", () => {
  it.each([
    ["state must be one of pending, delivered, failed, dropped.", "state=Failed"],
    ["state", "state=lost"],
    ["state", "state=pending,failed"],
    ["state", "state=0"],
    ["state", "state=__proto__"],
    ["limit", "limit=0"],
    ["limit", "limit=10001"],
    ["limit", "limit=1.5"],
    ["limit", "limit=all"],
    ["from", "from=yesterday"],
    ["from", "from=-1"],
    ["from", "from=2040-02-30"],
    ["to", "to=tomorrow"],
    ["to", "to=281474976710656"],
    ["from must not be after to.", "from=2&to=1"],
    ["service", "service=%0A"],
    ["service", "service=%ff"],
    ["service", `service=${"a".repeat(201)}`],
    ["cursor", "cursor=next"],
    ["cursor", `cursor=1.2.${"U".repeat(26)}`],
    ["humanDates", "humanDates=yes"],
  ])("%s: %s", async (hint, query) => {
    expectRefusal(await call("GET", `/alerts?${query}`), 400, hint);
  });

  it.each(["POST", "DELETE", "PUT", "PATCH"])("the method is %s", async (method) => {
    const answer = await call(method, "/alerts", { body: {} });
    expectRefusal(answer, 405, "This path takes GET, HEAD, OPTIONS.");
    expect(answer.headers.get("allow")).toBe("GET, HEAD, OPTIONS");
  });

  it("the database fails: the caller is asked to come again", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const refuse = async () => {
      throw new Error("D1_ERROR: overloaded");
    };
    const statement = { bind: () => statement, all: refuse, raw: refuse };
    vi.spyOn(env.DB, "prepare").mockReturnValue(statement as unknown as D1PreparedStatement);
    const answer = await call("GET", "/alerts");
    expectRefusal(answer, 503, "try again");
    expect(answer.headers.get("retry-after")).toBe("10");
  });
});
