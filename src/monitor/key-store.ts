import { type KeyGrant, nextVersion } from "../domain/pulse-key.ts";
import type { StateStorage } from "./state-store.ts";

const KEY = "key";

/** Keeps what a service's pulse key allows. It is read once, so that a pulse by key costs nothing more than any other. */
export class KeyStore {
  readonly #kv: StateStorage["kv"];
  #grant: KeyGrant | undefined;
  /** That of the last key that was revoked: were the clock to step back, none of the same version comes after it. */
  #lastVersion = 0;

  constructor(kv: StateStorage["kv"]) {
    this.#kv = kv;
    this.#grant = kv.get(KEY) as KeyGrant | undefined;
  }

  /** What the key allows; undefined where there is none. */
  get grant(): KeyGrant | undefined {
    return this.#grant;
  }

  /** Makes a new key count instead of the one before, without awaiting. */
  issue(maxNextInSeconds: number, nowMs: number): KeyGrant {
    const version = nextVersion(this.#grant?.version ?? this.#lastVersion, nowMs);
    this.#grant = { version, maxNextInSeconds };
    this.#kv.put(KEY, this.#grant);
    return this.#grant;
  }

  /** Whether a key was issued after the one here, also where that was revoked. */
  isNewer({ version }: KeyGrant): boolean {
    return version > Math.max(this.#grant?.version ?? 0, this.#lastVersion);
  }

  /** Makes a key count that another watchTower has issued, without awaiting. */
  adopt(grant: KeyGrant): void {
    this.#grant = grant;
    this.#kv.put(KEY, grant);
  }

  /** Makes no key count any more, without awaiting; writes nothing where there is none. */
  revoke(): void {
    if (!this.#grant) return;
    this.#kv.delete(KEY);
    this.#lastVersion = this.#grant.version;
    this.#grant = undefined;
  }
}
