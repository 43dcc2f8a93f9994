import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { readPassword } from "./password.ts";
import { originOf, readReach } from "./reach.ts";
import { Refusal } from "./refusal.ts";
import type { Settings } from "./settings.ts";

const MOST_TRIES = 6;
const FIRST_PAUSE_MS = 1_000;
const TIMEOUT_MS = 120_000;

/** A watchTower that is reached by HTTP, wherever it runs. */
export class Remote {
  readonly #url: string;
  readonly #password: string;

  /**
   * That of WATCHTOWER_URL and WATCHTOWER_PASSWORD; by default the one that runs on this machine.
   * @throws Refusal where there is none, or no password is known
   */
  constructor(env: NodeJS.ProcessEnv, settings: Settings) {
    const { WATCHTOWER_URL: url, WATCHTOWER_PASSWORD: given } = env;
    this.#url = (url || localOrigin(settings)).replace(/\/+$/, "");
    const password = given || (url ? undefined : (settings.worker.PASSWORD ?? readPassword(settings)));
    if (!password) {
      const whose = url ? "WATCHTOWER_URL" : "the watchTower on this machine";
      throw new Refusal(`WATCHTOWER_PASSWORD is missing: the password of ${whose}.`);
    }
    this.#password = password;
  }

  get url(): string {
    return this.#url;
  }

  /**
   * The text of an answer. What may get better is tried again for a minute: all that is asked here may be repeated.
   * @throws Refusal with what was answered
   */
  async ask(path: string, init: { method?: string; body?: string } = {}): Promise<string> {
    for (let tries = 1; ; tries++) {
      const problem = await this.#tryOnce(path, init);
      if ("text" in problem) return problem.text;
      if (!problem.mayPass || tries === MOST_TRIES) throw new Refusal(`${this.#url}${path}: ${problem.why}`);
      await delay(FIRST_PAUSE_MS * 2 ** (tries - 1));
    }
  }

  /** What an answer says. @throws Refusal where it is no JSON: something else answers there */
  parse<T>(text: string): T {
    try {
      return JSON.parse(text);
    } catch {
      throw new Refusal(
        `What answers at ${this.#url} is no watchTower, or its answer broke off: ${text.slice(0, 200)}`,
      );
    }
  }

  async #tryOnce(
    path: string,
    init: { method?: string; body?: string },
  ): Promise<{ text: string } | { why: string; mayPass: boolean }> {
    try {
      const headers = { password: this.#password };
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const answer = await fetch(`${this.#url}${path}`, { ...init, headers, redirect: "manual", signal });
      const text = await answer.text();
      if (answer.status === 200) return { text };
      return { why: `${answer.status} ${text}`, mayPass: answer.status >= 500 || answer.status === 429 };
    } catch (error) {
      const { message, cause } = error as Error & { cause?: Error };
      return { why: cause?.message ?? message, mayPass: true };
    }
  }
}

/** Where the watchTower of this machine listens; where its certificate is its own, that is trusted from now on. */
function localOrigin({ stateDir }: Settings): string {
  const reach = readReach(stateDir);
  if (reach === undefined) {
    throw new Refusal(`No watchTower runs on STATE_DIR ${stateDir}. Start it, or set WATCHTOWER_URL.`);
  }
  if (reach.certFile !== undefined) {
    setDefaultCACertificates([...getCACertificates("default"), readFileSync(reach.certFile, "utf8")]);
  }
  return originOf(reach);
}
