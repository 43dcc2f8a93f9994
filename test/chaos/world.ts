import { setTimeout as delay } from "node:timers/promises";
import type { Answer, Client } from "./client.ts";
import type { HeartBeat, Operation, SentEvent } from "./observed.ts";
import type { EventPlan, ServicePlan, Step } from "./plan.ts";

/** A client that insists asks again after so long. */
const AGAIN_AFTER_MS = 250;

/** The last pulse of a steady one promises so much that it lives while the end of the run is looked at. */
const LAST_PROMISE_SECONDS = 900;

/** The clients of a run, and what they keep of it. */
export class World {
  readonly operations: Operation[] = [];
  readonly events: SentEvent[] = [];
  readonly #client: Client;
  readonly #startMs: number;
  readonly #urlOf: (path: string) => string;
  #isOver = false;
  readonly #over = new AbortController();

  constructor(client: Client, startMs: number, urlOf: (path: string) => string) {
    this.#client = client;
    this.#startMs = startMs;
    this.#urlOf = urlOf;
  }

  /** Lets the steady ones pulse once more, and then no more. */
  end(): void {
    this.#isOver = true;
    this.#over.abort();
  }

  /** Does what is planned of a service; resolves when its steps are done, or, where it is steady, at the end. */
  async live(plan: ServicePlan): Promise<void> {
    for (const step of plan.steps) {
      await delay(Math.max(0, this.#startMs + step.atMs - Date.now()));
      await this.#do(plan, step);
    }
    if (plan.steadyEveryMs === undefined) return;
    const last = plan.steps.findLast(({ kind }) => kind === "pulse");
    while (last && !this.#isOver) {
      await delay(plan.steadyEveryMs, undefined, { signal: this.#over.signal }).catch(() => undefined);
      if (!this.#isOver) await this.#do(plan, { ...last, insists: true });
    }
    if (last?.kind === "pulse") {
      await this.#do(plan, { ...last, insists: true, nextInSeconds: LAST_PROMISE_SECONDS });
    }
  }

  /** Sends events one after another while there are any; what may have been stored is not sent again. */
  async report(next: () => EventPlan | undefined, everyMs: number, acknowledged: () => void): Promise<void> {
    for (let event = next(); event; event = next()) {
      const dueMs = Date.now() + everyMs;
      if (await this.#report(event)) acknowledged();
      await delay(Math.max(0, dueMs - Date.now()));
    }
  }

  async #do(plan: ServicePlan, step: Step): Promise<void> {
    const urls = plan.paths.map(this.#urlOf);
    const isPulse = step.kind === "pulse";
    const promiseMs = isPulse ? (step.nextInSeconds + step.graceSeconds) * 1_000 : 0;
    do {
      const sentMs = Date.now();
      const answer = await (isPulse
        ? this.#client.pulse(plan.name, { nextIn: step.nextInSeconds, grace: step.graceSeconds, urls })
        : this.#client.cancel(plan.name, step.kind === "forget"));
      if (answer !== "unsent") {
        const outcome = isSuccess(answer) ? "acknowledged" : "unknown";
        const operation: Operation = {
          kind: step.kind,
          service: plan.name,
          sentMs,
          doneMs: Date.now(),
          outcome,
          promiseMs,
        };
        if (isSuccess(answer) && isPulse) operation.last = (answer.body.heartBeat as HeartBeat).last;
        this.operations.push(operation);
        if (outcome === "acknowledged") return;
      }
      if (step.insists) await delay(AGAIN_AFTER_MS);
    } while (step.insists);
  }

  /** Returns whether it was acknowledged. */
  async #report(event: EventPlan): Promise<boolean> {
    for (;;) {
      const sentMs = Date.now();
      const answer = await this.#client.send("POST", "/event", event);
      if (answer !== "unsent") {
        const sent: SentEvent = {
          ...event,
          sentMs,
          doneMs: Date.now(),
          outcome: isSuccess(answer) ? "acknowledged" : "unknown",
        };
        if (isSuccess(answer)) sent.id = String(answer.body.id);
        this.events.push(sent);
        return isSuccess(answer);
      }
      await delay(AGAIN_AFTER_MS);
    }
  }
}

/** A client's own mistake would make the run meaningless. */
function isSuccess(answer: Answer): answer is Exclude<Answer, string> {
  if (typeof answer !== "string" && answer.status >= 400 && answer.status < 500) {
    throw new Error(`HTTP ${answer.status}: ${answer.body.hint}`);
  }
  return typeof answer !== "string" && answer.status === 200;
}
