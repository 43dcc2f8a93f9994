import { describe, expect, it } from "vitest";
import { ulid } from "../../../src/domain/ulid.ts";
import type { AlertRow, Attempt, EventRow, HeartBeat, Observed, Operation, TransitionRow } from "../observed.ts";
import { judge } from "./oracle.ts";

const BORN = 1_795_000_000_200;
const PROMISE = 10_000;
const DEAD = BORN + PROMISE;
const BACK = DEAD + 5_400;
const READ = BACK + 4_000;
const URL = "http://127.0.0.1:1/target";

const second = (ms: number) => Math.floor(ms / 1_000);

function pulse(atMs: number): Operation {
  const window = { sentMs: atMs - 2, doneMs: atMs + 3 };
  return { kind: "pulse", service: "a", ...window, outcome: "acknowledged", promiseMs: PROMISE, last: second(atMs) };
}

function transition(status: TransitionRow["status"], atMs: number, lastMs?: number): TransitionRow {
  const last = lastMs === undefined ? null : second(lastMs);
  return { id: ulid(atMs), service: "a", status, last, expected: last };
}

function alert(kind: AlertRow["kind"], atMs: number): AlertRow {
  const texts = { title: `${kind} a`, message: `a is ${kind}` };
  const fate = { state: "delivered", attempts: 1, last_answer: "HTTP 200" } as const;
  return { id: ulid(atMs), service: "a", date: second(atMs), kind, alert_target: URL, ...texts, ...fate };
}

function attempt(atMs: number, ...rows: AlertRow[]): Attempt {
  const alerts = rows.map(({ id, kind, service, title, message }) => ({ id, kind, service, title, message }));
  return { path: "/target", atMs, alerts, isDigest: rows.length > 1, verdict: "taken", answerMs: 0, retryAfterMs: 0 };
}

function event(level: number, atMs: number): EventRow {
  return { id: ulid(atMs), service: "a", level, message: "of its own", alert: 1 };
}

/** A service that is born, dies, is told dead, comes back, and is told back; and an event of somebody else. */
function story() {
  const death = alert("dead", DEAD);
  const revival = alert("alive", BACK);
  const sent = { service: "sender", level: 3, message: "hello", alert: false };
  const id = ulid(BORN + 1_000);
  const beat: HeartBeat = {
    service: "a",
    status: "alive",
    since: second(BACK),
    last: second(BACK),
    expected: second(BACK) + 10,
    nextIn: 10,
    alertTarget: URL,
  };
  const heartBeats = new Map<string, HeartBeat | null>([["a", beat]]);
  const observed = {
    operations: [pulse(BORN), pulse(BACK)],
    events: [{ ...sent, sentMs: BORN + 999, doneMs: BORN + 1_001, outcome: "acknowledged", id }],
    attempts: [attempt(DEAD + 30, death), attempt(BACK + 30, revival)],
    troubles: [],
    uptimes: [{ startMs: BORN - 2_000, readyMs: BORN - 1_000 }],
    excuses: [],
    holds: [],
    pathsOf: new Map([["a", ["/target"]]]),
    readMs: READ,
    tables: {
      services: [
        {
          service: "a",
          status: "alive",
          since: second(BACK),
          last: second(BACK),
          next_in: 10,
          grace: 0,
          alert_target: URL,
          alerts: "[]",
        },
      ],
      events: [event(4, DEAD), event(2, BACK), { ...sent, id, alert: 0 }],
      alerts: [death, revival],
      transitions: [transition("alive", BORN), transition("dead", DEAD, BORN), transition("alive", BACK, BORN)],
    },
    heartBeats,
  } satisfies Observed;
  return { observed: observed as typeof observed & Observed, death, revival, beat, id };
}

type Story = ReturnType<typeof story>;

/** The rules that a story breaks once it is changed. */
function broken(change: (story: Story) => void): string[] {
  const changed = story();
  change(changed);
  return [...new Set(judge(changed.observed).violations.map(({ rule }) => rule))];
}

function killAt(observed: Observed, atMs: number): void {
  const [first] = observed.uptimes;
  if (first) first.killMs = atMs;
  observed.uptimes.push({ startMs: atMs + 100, readyMs: atMs + 1_000 });
}

describe("the oracle", () => {
  it("finds nothing wrong where all is as it should be", () => {
    const { observed } = story();
    expect(judge(observed)).toMatchObject({ violations: [], deaths: 1, revivals: 1, repeats: 0 });
    expect(judge(observed).lags.map(({ lagMs }) => lagMs)).toEqual([30, 30]);
  });

  it("takes a digest for the alerts in it", () => {
    const rules = broken(({ observed, death, revival }) => {
      observed.attempts = [attempt(BACK + 30, death, revival)];
    });
    expect(rules).toEqual([]);
  });

  it.each<[string, string, (story: Story) => void]>([
    ["an acknowledged event that is not stored", "lost event", ({ observed }) => observed.tables.events.pop()],
    [
      "an event that is stored twice",
      "event stored twice",
      ({ observed, id }) => {
        const row = observed.tables.events.find((stored) => stored.id === id);
        if (row) observed.tables.events.push({ ...row, id: ulid(BORN + 1_000) });
      },
    ],
    [
      "an event that is stored with another level",
      "event stored otherwise",
      ({ observed }) => {
        Object.assign(observed.tables.events.at(-1) ?? {}, { level: 7 });
      },
    ],
    ["a death that is no event", "missed event", ({ observed }) => observed.tables.events.shift()],
    [
      "an event that nothing caused",
      "event without a cause",
      ({ observed }) => observed.tables.events.push(event(4, DEAD + 1)),
    ],
    [
      "an acknowledged pulse that did not keep it alive",
      "history",
      ({ observed }) => observed.operations.splice(1, 0, pulse(BORN + 5_000)),
    ],
    [
      "a death before the end of the promise",
      "history",
      ({ observed }) => observed.tables.transitions.splice(1, 1, transition("dead", DEAD - 1_000, BORN)),
    ],
    ["a death that is not recorded", "history", ({ observed }) => observed.tables.transitions.splice(1, 2)],
    [
      "a service that is silent for ever and does not die",
      "history",
      ({ observed }) => {
        observed.operations.pop();
        observed.tables.transitions.splice(1, 2);
        observed.readMs = DEAD + 60_000;
      },
    ],
    [
      "a cancel that is not recorded",
      "history",
      ({ observed }) =>
        observed.operations.push({ ...pulse(BACK + 1_000), kind: "cancel", promiseMs: 0, last: undefined as never }),
    ],
    [
      "a change that nobody caused",
      "history",
      ({ observed }) => observed.tables.transitions.push(transition("cancelled", BACK + 1_000)),
    ],
    [
      "a pulse that is answered with another",
      "answer",
      ({ observed }) => {
        Object.assign(observed.operations[1] ?? {}, { last: second(BORN) });
      },
    ],
    [
      "a last pulse that is not the last acknowledged one",
      "lost pulse",
      ({ beat }) => {
        beat.last -= 3;
      },
    ],
    [
      "an API that says dead of the living",
      "state",
      ({ beat }) => {
        beat.status = "dead";
      },
    ],
    [
      "a directory that is wrong",
      "directory",
      ({ observed }) => {
        Object.assign(observed.tables.services[0] ?? {}, { status: "dead" });
      },
    ],
    ["a directory that lacks somebody", "directory", ({ observed }) => observed.tables.services.pop()],
    ["a death that is owed to nobody", "missed alert", ({ observed }) => observed.tables.alerts.shift()],
    [
      "an alert of the living",
      "alert without a cause",
      ({ observed }) => observed.tables.alerts.push(alert("dead", BORN + 5_000)),
    ],
    [
      "a death that is owed twice",
      "alert owed twice",
      ({ observed }) => {
        const again = alert("dead", DEAD);
        observed.tables.alerts.push(again);
        observed.attempts.push(attempt(DEAD + 40, again));
      },
    ],
    [
      "a death that counts as told, and was not",
      "not delivered",
      ({ observed }) => {
        observed.attempts.shift();
      },
    ],
    [
      "a message that the delivery log does not know",
      "told, but not recorded",
      ({ observed }) => observed.attempts.push(attempt(BACK + 50, alert("dead", DEAD))),
    ],
    [
      "an alert that is told twice without a kill",
      "told twice",
      ({ observed, death }) => {
        observed.attempts.push(attempt(DEAD + 20_000, death));
        death.attempts = 2;
      },
    ],
    [
      "an alert that is told twice, long after the last kill",
      "told twice",
      ({ observed, death }) => {
        killAt(observed, BORN + 100);
        observed.attempts.push(attempt(DEAD + 20_000, death));
        death.attempts = 2;
      },
    ],
    [
      "a death that is told late",
      "told too late",
      ({ observed }) => {
        Object.assign(observed.attempts[0] ?? {}, { atMs: DEAD + 30_000 });
      },
    ],
    [
      "a death that is told before it is one",
      "told too early",
      ({ observed }) => {
        Object.assign(observed.attempts[0] ?? {}, { atMs: DEAD - 500 });
      },
    ],
    [
      "an excused service that is told dead at once",
      "told too early",
      ({ observed }) => {
        observed.excuses.push({ service: "a", sign: "silence", atMs: DEAD + 10 } as never);
      },
    ],
    [
      "a death that is told late even for one that was held",
      "told too late",
      ({ observed }) => {
        observed.holds.push({ service: "a", atMs: DEAD + 10, forMs: 5_000 } as never);
        Object.assign(observed.attempts[0] ?? {}, { atMs: DEAD + 30_000 });
      },
    ],
    [
      "an alert that is still owed when all has settled",
      "not settled",
      ({ death }) => {
        death.state = "pending";
      },
    ],
    [
      "an alert that was given up, though nobody refused it",
      "given up",
      ({ death }) => {
        death.state = "failed";
      },
    ],
    [
      "an alert that was dropped, though it was true",
      "dropped",
      ({ revival }) => {
        revival.state = "dropped";
      },
    ],
    [
      "an alert that is tried again too soon",
      "too soon",
      ({ observed, death }) => {
        Object.assign(observed.attempts[0] ?? {}, { verdict: "failed" });
        observed.attempts.push(attempt(DEAD + 1_000, death));
        death.attempts = 2;
      },
    ],
    [
      "an alert that is tried again too late",
      "tried too late",
      ({ observed, death }) => {
        Object.assign(observed.attempts[0] ?? {}, { verdict: "failed" });
        observed.attempts.push(attempt(DEAD + 90_000, death));
        death.attempts = 2;
      },
    ],
    [
      "a given-up alert of which the default target is not told",
      "missed alert",
      ({ observed, death }) => {
        death.state = "failed";
        Object.assign(observed.attempts[0] ?? {}, { verdict: "refused" });
      },
    ],
  ])("finds %s", (_, rule, change) => {
    expect(broken(change)).toContain(rule);
  });

  it.each<[string, (story: Story) => void]>([
    [
      "a pulse whose answer was lost, whether it counted",
      ({ observed }) => {
        const { last: _, ...lost } = pulse(BACK);
        observed.operations.splice(1, 1, { ...lost, outcome: "unknown" });
      },
    ],
    [
      "or not",
      ({ observed }) => {
        const { last: _, ...lost } = pulse(BORN + 5_000);
        observed.operations.splice(1, 0, { ...lost, outcome: "unknown" });
      },
    ],
    [
      "an event whose answer was lost and that is not stored",
      ({ observed }) => {
        Object.assign(observed.events[0] ?? {}, { outcome: "unknown", id: undefined });
        observed.tables.events.pop();
      },
    ],
    [
      "an alert that is told again after a kill that kept its success from being known",
      ({ observed, death }) => {
        killAt(observed, DEAD + 31);
        observed.attempts.splice(1, 0, attempt(DEAD + 15_030, death));
        death.attempts = 2;
        observed.attempts.sort((a, b) => a.atMs - b.atMs);
      },
    ],
    [
      "a death that nobody was told of, because it came back first",
      ({ observed, death }) => {
        killAt(observed, DEAD - 10);
        observed.attempts.shift();
        death.state = "dropped";
        death.attempts = 0;
      },
    ],
    [
      "a service that was excused, and came back",
      ({ observed }) => {
        observed.excuses.push({ service: "a", sign: "silence", atMs: DEAD + 10 } as never);
        observed.tables.transitions.splice(1, 2);
        observed.tables.alerts.length = 0;
        observed.attempts.length = 0;
        observed.tables.events.splice(0, 2);
        Object.assign(observed.tables.services[0] ?? {}, { since: second(BORN) });
        Object.assign(observed.heartBeats.get("a") ?? {}, { since: second(BORN) });
      },
    ],
  ])("accepts %s", (_, change) => {
    const changed = story();
    change(changed);
    expect(judge(changed.observed).violations).toEqual([]);
  });
});
