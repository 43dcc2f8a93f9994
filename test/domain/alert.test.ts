import { describe, expect, it } from "vitest";
import {
  type Alert,
  eventLevelOf,
  failureEvent,
  type Notice,
  noticeOf,
  noticeOfEvent,
  noticeOfFailure,
  overtakesDeath,
} from "../../src/domain/alert.ts";
import type { Target, Transition } from "../../src/domain/service.ts";

const LAST_MS = Date.UTC(2030, 0, 31, 23, 30, 0, 999);
const EXPECTED_MS = LAST_MS + 60_000;
const OWNER: Target = { type: "mail", target: "owner@example.com" };
const DIED = {
  kind: "died" as const,
  atMs: EXPECTED_MS + 5_000,
  lastMs: LAST_MS,
  expectedMs: EXPECTED_MS,
  targets: [OWNER],
  changes: 1,
};
const REVIVED: Transition = { ...DIED, kind: "revived", atMs: EXPECTED_MS + 3_723_000 };
const REMINDED = { ...DIED, kind: "reminded" as const, atMs: LAST_MS + 7_500_000, reminders: 0 };
/** The notice of a transition that is news. */
function newsOf(transition: Transition, service = "backup", timeZone = "UTC"): Notice {
  const news = noticeOf(transition, service, timeZone);
  if (!news) throw new Error("no news");
  return news.notice;
}

const QUIET: Transition[] = [
  { kind: "born", atMs: LAST_MS },
  { kind: "resumed", atMs: LAST_MS },
  { kind: "cancelled", atMs: LAST_MS },
  { kind: "forgotten", atMs: LAST_MS },
  { kind: "retargeted", atMs: LAST_MS, removed: [OWNER] },
];

describe("the notice of a death", () => {
  it("says since when the service is not pulsing: since its last pulse", () => {
    expect(noticeOf(DIED, "backup", "UTC")).toEqual({
      notice: {
        kind: "dead",
        service: "backup",
        dateMs: EXPECTED_MS + 5_000,
        title: "Service backup has not pulsed",
        message: "The service backup is not pulsing since 2030-01-31 23:30:00 UTC",
        dead: { lastMs: LAST_MS, fromMs: EXPECTED_MS },
      },
      targets: [OWNER],
    });
  });

  it("gives the date in the configured time zone, and names it", () => {
    expect(newsOf(DIED, "backup", "Europe/Paris").message).toBe(
      "The service backup is not pulsing since 2030-02-01 00:30:00 Europe/Paris",
    );
  });
});

describe("the notice of a death at the end of a pause", () => {
  it("says the same as any other, at the time at which it is told", () => {
    const told = { ...DIED, kind: "death-told", atMs: EXPECTED_MS + 900_000 } as const;
    expect(newsOf(told)).toEqual({ ...newsOf(DIED), dateMs: EXPECTED_MS + 900_000 });
  });
});

describe("a reminder", () => {
  it("says how long it has been since the last pulse, and how many came before", () => {
    expect(noticeOf(REMINDED, "backup", "UTC")).toEqual({
      notice: {
        kind: "dead",
        service: "backup",
        dateMs: LAST_MS + 7_500_000,
        title: "Service backup is still not pulsing",
        message:
          "The service backup is not pulsing since 2030-01-31 23:30:00 UTC, for 2 h 5 min. This is the first reminder",
        dead: { lastMs: LAST_MS, fromMs: EXPECTED_MS },
      },
      targets: [OWNER],
    });
    expect(newsOf({ ...REMINDED, reminders: 1 }).message).toMatch(/for 2 h 5 min\. One reminder came before this$/);
    expect(newsOf({ ...REMINDED, reminders: 2 }).message).toMatch(/for 2 h 5 min\. 2 reminders came before this$/);
  });
});

describe("the notice of a revival at the end of a pause", () => {
  it("says how long the service was dead, and not how long nobody was told", () => {
    const told = { ...REVIVED, kind: "revival-told", atMs: EXPECTED_MS + 9_000_000, revivedMs: REVIVED.atMs } as const;
    expect(newsOf(told)).toEqual({ ...newsOf(REVIVED), dateMs: EXPECTED_MS + 9_000_000 });
  });
});

describe("the notice of a revival", () => {
  it("says how long the service was dead, from its promise on", () => {
    expect(noticeOf(REVIVED, "backup", "UTC")).toEqual({
      notice: {
        kind: "alive",
        service: "backup",
        dateMs: EXPECTED_MS + 3_723_000,
        title: "Service backup is pulsing again",
        message:
          "The service backup is pulsing again. It was dead for 1 h 2 min, " +
          "from 2030-01-31 23:31:00 UTC to 2030-02-01 00:33:03 UTC",
        dead: { lastMs: LAST_MS, fromMs: EXPECTED_MS, toMs: EXPECTED_MS + 3_723_000 },
      },
      targets: [OWNER],
    });
  });

  it("gives both dates in the configured time zone", () => {
    expect(newsOf(REVIVED, "backup", "America/New_York").message).toBe(
      "The service backup is pulsing again. It was dead for 1 h 2 min, " +
        "from 2030-01-31 18:31:00 America/New_York to 2030-01-31 19:33:03 America/New_York",
    );
  });
});

describe("a service's name", () => {
  it("appears in the texts as it is", () => {
    const name = `a/b "c" $& %s <d> \\1 🛰️ שלום`;
    const { title, message } = newsOf(DIED, name);
    expect(title).toBe(`Service ${name} has not pulsed`);
    expect(message).toBe(`The service ${name} is not pulsing since 2030-01-31 23:30:00 UTC`);
  });
});

describe("a birth, a resumption, a cancel, other targets and the end", () => {
  it("are no news", () => {
    for (const transition of QUIET) expect(noticeOf(transition, "backup", "UTC")).toBeUndefined();
  });
});

describe("a death that is not yet told", () => {
  it("is overtaken by a revival and by a cancel, and by nothing else", () => {
    const overtaking = [DIED, REMINDED, REVIVED, ...QUIET].filter(overtakesDeath).map(({ kind }) => kind);
    expect(overtaking).toEqual(["revived", "cancelled"]);
  });
});

describe("the notice of an event", () => {
  it("says which service reported it, and its level by name", () => {
    const event = { id: "01", service: "backup", level: 5, message: "disk full", alert: true };
    expect(noticeOfEvent(event, LAST_MS)).toEqual({
      kind: "event",
      service: "backup",
      dateMs: LAST_MS,
      title: "backup: critical",
      message: "disk full",
    });
    expect(noticeOfEvent({ ...event, level: 42 }, LAST_MS).title).toBe("backup: 42");
  });
});

describe("an alert that is given up", () => {
  const failed: Alert = { id: "01", ...newsOf(DIED) };

  it("is told with what it said, roughly to whom it was meant, and why it failed", () => {
    expect(noticeOfFailure(failed, OWNER, "HTTP 400: no owner@example.com", LAST_MS + 9)).toEqual({
      kind: "event",
      service: "backup",
      dateMs: LAST_MS + 9,
      title: "Alert given up: Service backup has not pulsed",
      message:
        "An alert of the service backup could not be delivered to mail o…@example.com: HTTP 400: no o…@example.com. " +
        "It said: The service backup is not pulsing since 2030-01-31 23:30:00 UTC",
    });
  });

  it("is stored as an error of its service, without the address it was meant for", () => {
    expect(failureEvent("02", failed, OWNER, "HTTP 400: no owner@example.com")).toEqual({
      id: "02",
      service: "backup",
      level: 4,
      message: "Alert given up (mail): Service backup has not pulsed: HTTP 400: no o…@example.com",
      alert: false,
    });
  });
});

describe("the event that an alert is stored as", () => {
  it("is an error for a death, and a notice for a revival", () => {
    expect(eventLevelOf(newsOf(DIED))).toBe(4);
    expect(eventLevelOf(newsOf(REVIVED))).toBe(2);
  });
});
