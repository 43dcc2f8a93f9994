import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type DevicePulse,
  looksLikeKey,
  nextVersion,
  pulseByKey,
  readKey,
  writeKey,
} from "../../src/domain/pulse-key.ts";
import type { Service, Target } from "../../src/domain/service.ts";
import { cancel, expire, pulse } from "../../src/domain/verbs.ts";
import { OTHER, OWNER, START_MS } from "./support/arbitraries.ts";

const MAC = "zSRJ3WwfMcUjzKw2cFGgLwnBLoHdxW1DG8cdVpYKh7I";
const name = fc.string({ unit: "binary", minLength: 1, maxLength: 40 }).filter((text) => text.isWellFormed());

describe("a pulse key", () => {
  it("says whose it is, which one, and its signature", () => {
    fc.assert(
      fc.property(name, fc.integer({ min: 0, max: 999_999_999_999_999 }), (service, version) => {
        const key = writeKey(service, version, MAC);
        expect(looksLikeKey(key)).toBe(true);
        expect(key).toMatch(/^[\w.-]+$/);
        const { mac, ...read } = readKey(key) ?? { mac: new Uint8Array() };
        expect(read).toEqual({ service, version });
        expect(mac).toHaveLength(32);
      }),
    );
  });

  it.each([
    ["nothing", ""],
    ["a beginning", "wtk1"],
    ["another kind", `wtk2.YmFja3Vw.1.${MAC}`],
    ["no name", `wtk1..1.${MAC}`],
    ["a name that is no base64url", `wtk1.YmFja3V*.1.${MAC}`],
    ["a name that is cut", `wtk1.Y.1.${MAC}`],
    ["a name that is no UTF-8", `wtk1._w.1.${MAC}`],
    ["no version", `wtk1.YmFja3Vw..${MAC}`],
    ["a version that is no number", `wtk1.YmFja3Vw.-1.${MAC}`],
    ["a version that is too long", `wtk1.YmFja3Vw.${"9".repeat(16)}.${MAC}`],
    ["a signature that is too short", `wtk1.YmFja3Vw.1.${MAC.slice(1)}`],
    ["a signature that is too long", `wtk1.YmFja3Vw.1.${MAC}A`],
    ["something after it", `wtk1.YmFja3Vw.1.${MAC}\n`],
    ["something before it", ` wtk1.YmFja3Vw.1.${MAC}`],
  ])("is none: %s", (_, text) => {
    expect(readKey(text)).toBeUndefined();
  });

  it("is none, whatever text it is", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => readKey(`wtk1.${text}`) === undefined));
  });
});

describe("the version of the next key", () => {
  it("is the time, and rises also where that stands still or steps back", () => {
    expect(nextVersion(0, START_MS)).toBe(START_MS);
    expect(nextVersion(START_MS, START_MS)).toBe(START_MS + 1);
    expect(nextVersion(START_MS + 5, START_MS)).toBe(START_MS + 6);
  });
});

const VERSION = 7;
const GRANT = { version: VERSION, maxNextInSeconds: 60 };
const DEFAULTS = { graceSeconds: 5, defaultTarget: OTHER };
const THIRD: Target = { type: "webhook", target: "https://hooks.example/third" };
const NOW_MS = START_MS + 1_000;
const PAUSED_MS = START_MS + 600_000;

/** One that has everything that can be set. */
const full: Service = pulse(
  undefined,
  {
    nextInSeconds: 60,
    target: OWNER,
    furtherTargets: [OTHER, THIRD],
    graceSeconds: 9,
    remindEverySeconds: 120,
    pauseUntilMs: PAUSED_MS,
  },
  DEFAULTS,
  START_MS,
).service;
const plain: Service = pulse(undefined, { nextInSeconds: 60, target: OWNER }, DEFAULTS, START_MS).service;

const byKey = (before: Service | undefined, said: Partial<DevicePulse> = {}, grant: typeof GRANT | undefined = GRANT) =>
  pulseByKey(grant, VERSION, { nextInSeconds: 60, ...said }, before, DEFAULTS, NOW_MS);
const refusedField = (before: Service | undefined, said: Partial<DevicePulse>) => {
  const answer = byKey(before, said);
  return "refused" in answer && answer.refused.why === "change" ? answer.refused.field : undefined;
};

describe("a pulse by key", () => {
  it.each<[string, Service | undefined]>([
    ["alive", plain],
    ["alive, with everything set", full],
    ["dead", expire(plain, NOW_MS + 70_000).service],
    ["cancelled", cancel(full, NOW_MS).service],
  ])("renews the promise of a service that is %s, and leaves everything else as it is", (_, before) => {
    const answer = byKey(before);
    expect(answer).toEqual({ done: { nextInSeconds: 60, target: OWNER } });
    const { done } = answer as { done: Parameters<typeof pulse>[1] };
    const after = pulse(before, done, { graceSeconds: 1_000 }, NOW_MS).service;
    for (const field of ["targets", "graceIsOwn", "remindEverySeconds", "pauseUntilMs"] as const) {
      expect(after[field], field).toEqual(before?.[field]);
    }
    if (before?.graceIsOwn) expect(after.graceSeconds).toBe(before.graceSeconds);
  });

  it("is refused where the key is not the one that counts, whatever else it says", () => {
    const said = { nextInSeconds: 61, graceSeconds: 1 };
    for (const version of [VERSION - 1, VERSION + 1, 0]) {
      expect(byKey(plain, said, { ...GRANT, version })).toEqual({ refused: { why: "revoked" } });
    }
    expect(pulseByKey(undefined, VERSION, { nextInSeconds: 1 }, plain, DEFAULTS, NOW_MS)).toEqual({
      refused: { why: "revoked" },
    });
  });

  it("promises what the key allows, and no more", () => {
    expect(byKey(plain, { nextInSeconds: 1 })).toHaveProperty("done");
    expect(byKey(plain, { nextInSeconds: 60 })).toHaveProperty("done");
    expect(byKey(plain, { nextInSeconds: 61 })).toEqual({ refused: { why: "too-long", maxNextInSeconds: 60 } });
  });

  it("may say what is set", () => {
    const said = [
      {
        target: OWNER,
        furtherTargets: [OTHER, THIRD],
        graceSeconds: 9,
        remindEverySeconds: 120,
        pauseUntilMs: PAUSED_MS,
      },
      { furtherTargets: [THIRD, OTHER, OWNER, THIRD] },
    ];
    for (const fields of said) expect(byKey(full, fields), JSON.stringify(fields)).toHaveProperty("done");
    const unset = { furtherTargets: [], graceSeconds: 5, remindEverySeconds: 0, pauseUntilMs: 0 };
    expect(byKey(plain, unset)).toHaveProperty("done");
    expect(byKey(plain, { pauseUntilMs: NOW_MS })).toHaveProperty("done");
    const mailed: Service = { ...plain, targets: [OTHER] };
    expect(byKey(mailed, { target: { ...OTHER, type: "email" } })).toEqual({
      done: { nextInSeconds: 60, target: OTHER },
    });
    expect(byKey(undefined, { target: OTHER, ...unset })).toHaveProperty("done");
  });

  it.each<[string, Partial<DevicePulse>]>([
    ["alertTarget", { target: { ...OWNER, target: "mallory@example.com" } }],
    ["alertTarget", { target: OTHER }],
    ["alertType", { target: { ...OWNER, type: "mail" } }],
    ["alerts", { furtherTargets: [] }],
    ["alerts", { furtherTargets: [OTHER] }],
    ["alerts", { furtherTargets: [OTHER, THIRD, { ...THIRD, target: "https://mallory.example/" }] }],
    ["alerts", { furtherTargets: [OTHER, { ...THIRD, target: "https://mallory.example/" }] }],
    ["grace", { graceSeconds: 5 }],
    ["remindEvery", { remindEverySeconds: 0 }],
    ["pauseUntil", { pauseUntilMs: 0 }],
    ["pauseUntil", { pauseUntilMs: PAUSED_MS + 1 }],
  ])("is refused where it would change %s: %j", (field, said) => {
    expect(refusedField(full, said)).toBe(field);
  });

  it.each<[string, Partial<DevicePulse>]>([
    ["alertTarget", { target: OWNER }],
    ["alerts", { furtherTargets: [THIRD] }],
    ["grace", { graceSeconds: 86_400 }],
    ["remindEvery", { remindEverySeconds: 60 }],
    ["pauseUntil", { pauseUntilMs: PAUSED_MS }],
  ])("is refused where the first pulse of a service would set %s", (field, said) => {
    expect(refusedField(undefined, said)).toBe(field);
  });

  it("needs a default target for the first pulse of a service", () => {
    expect(byKey(undefined)).toEqual({ done: { nextInSeconds: 60, target: OTHER } });
    const nowhere = { graceSeconds: 5, defaultTarget: undefined };
    const answer = pulseByKey(GRANT, VERSION, { nextInSeconds: 60 }, undefined, nowhere, NOW_MS);
    expect(answer).toEqual({ refused: { why: "no-target" } });
    const named = pulseByKey(GRANT, VERSION, { nextInSeconds: 60, target: OWNER }, undefined, nowhere, NOW_MS);
    expect(named).toEqual({ refused: { why: "change", field: "alertTarget" } });
  });
});
