import { describe, expect, it } from "vitest";
import { expectRefusal, visit } from "../support/app.ts";
import { call } from "../support/client.ts";
import { START_MS, useTestClock } from "../support/clock.ts";
import { alertRecord, storeAlerts } from "../support/rows.ts";

useTestClock();

describe("without the password", () => {
  it.each(["/alerts", "/alerts?service=a", "/alerts?state=lost", "/alerts/"])("%s is refused", async (path) => {
    await storeAlerts(alertRecord(START_MS, { alert: { message: "a secret" } }));
    for (const headers of [{}, { password: "wrong" }, { accept: "text/html" }, { cookie: "session=x" }]) {
      const answer = await visit("GET", path, headers);
      expectRefusal(answer, 403, "password");
      expect(JSON.stringify(answer.body)).not.toContain("a secret");
    }
  });
});

describe("what an alert or a filter says", () => {
  it.each(["'; delete from alerts; --", "' or 1=1 --", "%' or '%' = '", "?1 :a @b", "<script>alert(1)</script>", "🦊"])(
    "is data, never a command: %j",
    async (text) => {
      const target = { type: "webhook", target: `https://hooks.example/?${text}` };
      await storeAlerts(
        alertRecord(START_MS, {
          alert: { service: `s ${text}`, title: text, message: text },
          target,
          lastAnswer: text,
        }),
      );
      const { body } = await call("GET", `/alerts?service=${encodeURIComponent(`s ${text}`)}`);
      expect(body.alerts).toMatchObject([
        { service: `s ${text}`, title: text, message: text, alertTarget: target.target, lastAnswer: text },
      ]);
    },
  );

  it.each(["service", "state", "from", "to", "limit", "cursor", "humanDates", "__proto__", "constructor"])(
    "a parameter %s that is hostile is refused, or found nowhere",
    async (name) => {
      for (const value of ["' or 1=1 --", "__proto__", "[object Object]", "1;drop table alerts", "🦊"]) {
        const { status, body } = await call("GET", `/alerts?service=nobody&${name}=${encodeURIComponent(value)}`);
        if (status === 200) expect(body.alerts).toEqual([]);
        else expectRefusal({ status, body, headers: new Headers() }, 400, name);
      }
    },
  );
});
