import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { DAY_MS } from "../../../src/domain/time.ts";
import { PASSWORD, PASSWORD_READ } from "../../support/client.ts";
import { START_MS, useTestClock } from "../../support/clock.ts";
import { Visitor } from "../../support/gui.ts";

useTestClock();

let mine = "";
let another = "";
let readers = "";
beforeAll(async () => {
  const reader = new Visitor();
  await reader.submit("/gui/login", { password: PASSWORD_READ });
  readers = reader.cookie ?? "";
  mine = (await Visitor.loggedIn()).cookie ?? "";
  another = (await Visitor.loggedIn({ PASSWORD: "another password" })).cookie ?? "";
});

const KEY = "watchTower web interface";
const ADMIN_KEY = `${KEY}, admin: ${PASSWORD}`;
const READER_KEY = `${KEY}, reader: ${PASSWORD_READ}`;

/** Whether a cookie header lets somebody in. */
async function opens(cookie: string): Promise<boolean> {
  const { status, headers } = await new Visitor().open("/gui/setup", { cookie });
  if (status === 200) return true;
  expect(status, cookie).toBe(303);
  expect(headers.get("location")).toBe("/gui/login?next=%2Fgui%2Fsetup");
  return false;
}

const contentOf = (cookie: string) => decodeURIComponent(cookie.replace("watchtower=", ""));
const signatureOf = (cookie: string) => contentOf(cookie).split(".").at(-1) as string;
const endOf = (cookie: string) => contentOf(cookie).split(".")[0] as string;
const made = (value: string) => `watchtower=${encodeURIComponent(value)}`;

/** A value as the session's cookie has it, signed by a key of one's own. */
async function signed(value: string, secret: string): Promise<string> {
  const bytes = new TextEncoder();
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", bytes.encode(secret), algorithm, false, ["sign"]);
  const signature = new Uint8Array(await crypto.subtle.sign("HMAC", key, bytes.encode(value)));
  return made(`${value}.${btoa(String.fromCharCode(...signature))}`);
}

describe("a session's cookie", () => {
  it("opens as it was given, among others, and where it is repeated", async () => {
    expect(await opens(mine)).toBe(true);
    expect(await opens(`a=b; ${mine}; c="d"`)).toBe(true);
    expect(await opens(`${mine}; ${mine}`)).toBe(true);
  });

  it("opens nothing with another end, or another one's signature", async () => {
    for (const until of [START_MS + 1, START_MS + 31 * DAY_MS, 9e15, "Infinity", "1e99", "0x7fffffffffff", ""]) {
      expect(await opens(made(`admin-${until}.${signatureOf(mine)}`)), `${until}`).toBe(false);
    }
    expect(await opens(made(`${endOf(mine)}.${signatureOf(another)}`))).toBe(false);
    expect(await opens(another)).toBe(false);
  });

  it("opens nothing as another role than it was given for", async () => {
    expect(await opens(readers)).toBe(true);
    for (const role of ["admin", "Reader", "readers", "", "__proto__"]) {
      expect(await opens(made(contentOf(readers).replace("reader", role))), role).toBe(false);
    }
    expect(await opens(made(contentOf(mine).replace("admin", "reader")))).toBe(false);
    // Each role has a key of its own, so that even a signature for the right words is none of the other's.
    const until = START_MS + DAY_MS;
    expect(await opens(await signed(`reader-${until}`, READER_KEY))).toBe(true);
    for (const [role, key] of [
      ["admin", READER_KEY],
      ["reader", ADMIN_KEY],
    ] as const) {
      expect(await opens(await signed(`${role}-${until}`, key)), role).toBe(false);
    }
  });

  it("opens nothing where it was signed by what somebody may guess", async () => {
    const until = `admin-${START_MS + DAY_MS}`;
    for (const secret of [PASSWORD, `${KEY}, admin: undefined`, `${KEY}, admin: `, `${KEY}: ${PASSWORD}`, "x"]) {
      expect(await opens(await signed(until, secret)), secret).toBe(false);
    }
  });

  it("opens nothing once it is over, or where it says no time", async () => {
    expect(await opens(await signed(`admin-${START_MS + 1}`, ADMIN_KEY))).toBe(true);
    for (const until of [START_MS, START_MS - 1, "0", "-1", "NaN", "x", "", " ", "1e99", "9999999999999x", "0x1p99"]) {
      expect(await opens(await signed(`admin-${until}`, ADMIN_KEY)), `${until}`).toBe(false);
    }
    expect(await opens(await signed(`${START_MS + DAY_MS}`, ADMIN_KEY))).toBe(false);
  });

  it.each([
    "",
    ";",
    "=",
    "watchtower",
    "watchtower=",
    "watchtower=.",
    `watchtower=${"A".repeat(100_000)}`,
    `watchtower=${"%41".repeat(30_000)}`,
    `${"a=b; ".repeat(10_000)}`,
    `watchtower=admin-${START_MS + DAY_MS}.${"A".repeat(43)}=`,
    `watchtower=admin-${START_MS + DAY_MS}.${"=".repeat(44)}`,
    `__proto__=1; constructor=2; watchtower=%`,
  ])("is refused where it is none: %.60s", async (cookie) => {
    expect(await opens(cookie)).toBe(false);
  });

  it("is looked for by its very name", async () => {
    for (const name of ["Watchtower", "WATCHTOWER", "watchtower ", "__Host-watchtower", "xwatchtower"]) {
      expect(await opens(mine.replace("watchtower", name)), name).toBe(name === "watchtower ");
    }
  });

  it("is the first of several: another one cannot take its place, nor make it good", async () => {
    expect(await opens(`watchtower=x; ${mine}`)).toBe(false);
    expect(await opens(`${mine}; watchtower=x`)).toBe(true);
  });

  it("opens nothing when anything in it is changed", async () => {
    const value = contentOf(mine);
    const character = fc.constantFrom(..."0123456789ABCxyz+/=.% ");
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: value.length - 2 }), character, fc.boolean(), async (at, put, isAdded) => {
        const changed = value.slice(0, at) + put + value.slice(isAdded ? at : at + 1);
        fc.pre(changed !== value && sameBits(changed) !== sameBits(value));
        expect(await opens(made(changed)), changed).toBe(false);
      }),
      { seed: 20_261_122, numRuns: 200 },
    );
  });
});

/** The value with the last character of its signature by the bits that count: base 64 of 32 bytes has two to spare. */
function sameBits(value: string): string {
  const [until = "", signature = ""] = value.split(".");
  try {
    return `${until}.${atob(signature)}`;
  } catch {
    return value;
  }
}
