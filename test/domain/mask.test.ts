import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { maskIn, maskTarget } from "../../src/domain/mask.ts";

const KEY = "uQiRzpo4DXghDmr9QzzfQu27cmVRsG";

describe("a masked target", () => {
  it.each([
    ["pushover", KEY, "uQi…"],
    ["pushover", "short", "…"],
    ["mail", "team@example.com", "t…@example.com"],
    ["email", "team@example.com", "t…@example.com"],
    ["mail", "ann@a.example, bob@b.example", "a…@a.example, b…@b.example"],
    ["mail", "🦊fox@example.com", "🦊…@example.com"],
    ["mail", '"a@b"@example.com', '"…@example.com'],
    ["mail", "nobody", "…"],
    ["mail", "@example.com", "…"],
    ["webhook", "https://hooks.example/T0/B0/secret?token=secret#secret", "https://hooks.example/…"],
    ["webhook", "http://ann:secret@hooks.example:8080/secret", "http://hooks.example:8080/…"],
    ["webhook", "not a URL", "…"],
    ["carrier pigeon", "the secret loft", "…"],
    ["carrier pigeon", "pigeon:secret", "…"],
  ])("of %s %s is %s", (type, target, masked) => {
    expect(maskTarget({ type, target })).toEqual({ type, target: masked });
  });

  it("has never anything of a webhook's path", () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true, withFragments: true }), (url) => {
        const { target } = maskTarget({ type: "webhook", target: url });
        expect(target).toBe(`${new URL(url).origin}/…`);
      }),
    );
  });
});

describe("a text that repeats a target", () => {
  it.each([
    ["pushover", KEY, `user ${KEY} is invalid, ${KEY}!`, "user uQi… is invalid, uQi…!"],
    ["mail", "ann@a.example,bob@b.example", "no such user: bob@b.example", "no such user: b…@b.example"],
    ["webhook", "https://hooks.example/T0/secret", "Cannot POST /T0/secret", "Cannot POST …"],
    ["webhook", "https://hooks.example/T0/secret?a=b", "/T0/secret?a=b is gone", "… is gone"],
    ["webhook", "https://ann:secret@hooks.example/", "ann:secret may not", "ann:… may not"],
    ["webhook", "https://hooks.example/$&$1", "no https://hooks.example/$&$1", "no https://hooks.example/…"],
    ["webhook", "https://hooks.example/", "and/or", "and/or"],
    ["pushover", "a", "a bad key", "a bad key"],
  ])("of %s %s shows it masked", (type, target, text, masked) => {
    expect(maskIn(text, { type, target })).toBe(masked);
  });

  it("never has it any more, wherever it was", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (before, after) => {
        expect(maskIn(before + KEY + after, { type: "pushover", target: KEY })).not.toContain(KEY);
      }),
    );
  });
});
