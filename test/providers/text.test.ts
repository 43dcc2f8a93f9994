import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cutText } from "../../src/providers/text.ts";

const FAMILY = "👨‍👩‍👧‍👦"; // four people and three joiners: seven code points, one character
const E_ACUTE = "e\u0301"; // a letter and a combining mark
const FLAG = "🇫🇷"; // two regional indicators

describe("a text that is cut", () => {
  it("stays as it is up to the limit, which counts code points", () => {
    for (const text of ["", "abc", "🦊🦊🦊", `a${E_ACUTE}`]) expect(cutText(text, 3)).toBe(text);
    expect(cutText(FAMILY, 7)).toBe(FAMILY);
  });

  it("ends with an ellipsis, within the limit", () => {
    expect(cutText("abcd", 3)).toBe("ab…");
    expect(cutText("🦊🦊🦊🦊", 3)).toBe("🦊🦊…");
    expect(cutText("ab", 1)).toBe("…");
  });

  it("loses a character that is made of several code points as a whole", () => {
    expect(cutText(`ab${FAMILY}c`, 9)).toBe("ab…");
    expect(cutText(`ab${FAMILY}cd`, 10)).toBe(`ab${FAMILY}…`);
    expect(cutText(`ab${E_ACUTE}c`, 4)).toBe("ab…");
    expect(cutText(`a${E_ACUTE}cd`, 4)).toBe(`a${E_ACUTE}…`);
    expect(cutText(`a${FLAG}${FLAG}`, 4)).toBe(`a${FLAG}…`);
    expect(cutText("ab\r\nc", 4)).toBe("ab…");
  });

  it("is only an ellipsis where not even the first character fits", () => {
    expect(cutText(`e${"\u0301".repeat(100)}`, 50)).toBe("…");
  });

  it("is never longer than the limit, never broken, and always the beginning of what it was", () => {
    const segments = new Intl.Segmenter("en", { granularity: "grapheme" });
    const anyText = fc.string({
      unit: fc.constantFrom("a", " ", "é", "\u0301", "🦊", "\u200d", "👩", "🇫", "🇷", "한", "\r", "\n"),
    });
    fc.assert(
      fc.property(anyText, fc.integer({ min: 1, max: 20 }), (text, most) => {
        const cut = cutText(text, most);
        expect([...cut].length).toBeLessThanOrEqual(most);
        expect(cut.isWellFormed()).toBe(true);
        if (cut === text) return;
        const kept = cut.slice(0, -1);
        expect(text.startsWith(kept)).toBe(true);
        const boundaries = [...segments.segment(text)].map(({ index }) => index);
        expect(boundaries).toContain(kept.length);
      }),
      { seed: 4, numRuns: 300 },
    );
  });
});
