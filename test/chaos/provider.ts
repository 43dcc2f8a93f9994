import {
  type ProviderStub,
  type StubAnswer,
  type StubRequest,
  startProviderStub,
} from "../system/support/provider-stub.ts";
import type { Attempt, ToldAlert, Verdict } from "./observed.ts";
import type { ProviderFault, ProviderWindow } from "./plan.ts";

/** watchTower waits no longer for a provider. */
const TIMEOUT_MS = 10_000;
const RETRY_AFTER_SECONDS = 7;
const SLOW_MS = 3_000;
const LATE_MS = 12_000;

interface Behaviour {
  answer: StubAnswer;
  verdict: Verdict;
  answerMs: number;
  retryAfterMs?: number;
}

const WELL: Behaviour = { answer: {}, verdict: "taken", answerMs: 0 };

const FAULTS: Record<ProviderFault, Behaviour> = {
  error: { answer: { status: 500, body: "out of order" }, verdict: "failed", answerMs: 0 },
  hang: { answer: { instead: "hang" }, verdict: "failed", answerMs: TIMEOUT_MS },
  reset: { answer: { instead: "reset" }, verdict: "failed", answerMs: 0 },
  garbage: { answer: { instead: "garbage" }, verdict: "failed", answerMs: 0 },
  busy: {
    answer: { status: 429, headers: { "retry-after": String(RETRY_AFTER_SECONDS) } },
    verdict: "failed",
    answerMs: 0,
    retryAfterMs: RETRY_AFTER_SECONDS * 1_000,
  },
  slow: { answer: { delayMs: SLOW_MS }, verdict: "taken", answerMs: SLOW_MS },
  late: { answer: { delayMs: LATE_MS }, verdict: "failed", answerMs: TIMEOUT_MS },
  refuse: { answer: { status: 400, body: "no such receiver" }, verdict: "refused", answerMs: 0 },
};

/** The provider stub of a run: misbehaves in windows, and keeps what it was told and how it answered. */
export class Provider implements AsyncDisposable {
  readonly attempts: Attempt[] = [];
  readonly #stub: ProviderStub;
  #windows: { startMs: number; windows: readonly ProviderWindow[] } = { startMs: 0, windows: [] };

  private constructor(stub: ProviderStub) {
    this.#stub = stub;
  }

  static async start(paths: Iterable<string>): Promise<Provider> {
    const stub = await startProviderStub();
    const provider = new Provider(stub);
    for (const path of paths) stub.answer(path, (request) => provider.#receive(request));
    return provider;
  }

  url(path: string): string {
    return this.#stub.url + path;
  }

  /** Misbehaves from now on as planned. */
  misbehave(windows: readonly ProviderWindow[], startMs: number): void {
    this.#windows = { startMs, windows };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stub.stop();
  }

  #receive({ path, body, atMs }: StubRequest): StubAnswer {
    const { startMs, windows } = this.#windows;
    const timeMs = atMs - startMs;
    const window = windows.find((w) => w.path === path && timeMs >= w.fromMs && timeMs < w.toMs);
    const { answer, verdict, answerMs, retryAfterMs = 0 } = window ? FAULTS[window.fault] : WELL;
    const told = JSON.parse(body) as ToldAlert & { alerts?: ToldAlert[] };
    const isDigest = told.alerts !== undefined;
    this.attempts.push({ path, atMs, alerts: told.alerts ?? [told], isDigest, verdict, answerMs, retryAfterMs });
    // It is kept above, in less space.
    this.#stub.requests.length = 0;
    return answer;
  }
}
