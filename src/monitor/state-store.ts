import { promiseEndMs, type Service } from "../domain/service.ts";
import { SECOND_MS } from "../domain/time.ts";
import { HandedStore } from "./handed-store.ts";
import { KeyStore } from "./key-store.ts";

/** What a state store needs of the object's storage. */
export interface StateStorage {
  kv: { get(key: string): unknown; put(key: string, value: unknown): void; delete(key: string): unknown };
  getAlarm(): Promise<number | null>;
  setAlarm(ms: number): Promise<void>;
  deleteAlarm(): Promise<void>;
}

/** The stored form of a service: whole but for its last pulse, which its deadline tells. */
type StoredService = Stored<Service>;

type Stored<S> = S extends Service
  ? Omit<S, "lastMs"> & {
      version: 1;
      /** Rises with every change of anything but the deadline. */
      revision: number;
      /** Null only while the service is alive and the alarm is exactly its deadline: then the alarm alone is written. */
      deadlineMs: number | null;
    }
  : never;

const KEY = "service";

/**
 * Keeps a service, its pulse key and its alarm. A steady pulse changes nothing but the deadline, and the deadline is the alarm, so it
 * writes exactly one row. This is known here only: everyone else sees a whole service.
 */
export class StateStore {
  /** The service's pulse key: there may be one before the first pulse, and none when the service is forgotten. */
  readonly keys: KeyStore;
  /** The alerts that rules have handed over. */
  readonly handed: HandedStore;
  readonly #storage: StateStorage;
  readonly #onLostWrite: (error: unknown) => void;
  #stored: StoredService | undefined;
  /** What of it is no business of the deadline: as long as a pulse changes nothing of this, it is a steady one. */
  #storedText: string | undefined;
  #service: Service | undefined;
  #armedMs: number | undefined;
  /** That of a service which was forgotten: one of the same name goes on from it, so that its row wins. */
  #forgottenRevision = 0;

  private constructor(storage: StateStorage, onLostWrite: (error: unknown) => void) {
    this.#storage = storage;
    this.#onLostWrite = onLostWrite;
    this.keys = new KeyStore(storage.kv);
    this.handed = new HandedStore(storage.kv);
  }

  /**
   * Loads what is stored; to be called in the object's constructor, where `getAlarm` is right.
   * @param assumeLastMs the last pulse to assume when the platform has lost the alarm of an alive service
   * @param onLostWrite called when the platform refused to set an alarm: what is in memory is then not what is stored
   */
  static async open(
    storage: StateStorage,
    assumeLastMs: () => Promise<number>,
    onLostWrite: (error: unknown) => void,
  ): Promise<StateStore> {
    const store = new StateStore(storage, onLostWrite);
    const stored = storage.kv.get(KEY) as StoredService | undefined;
    store.#armedMs = (await storage.getAlarm()) ?? undefined;
    if (!stored) return store;
    store.#stored = stored;
    const promiseMs = (stored.nextInSeconds + stored.graceSeconds) * SECOND_MS;
    const knownDeadlineMs = stored.deadlineMs ?? store.#armedMs;
    const lastMs = knownDeadlineMs === undefined ? await assumeLastMs() : knownDeadlineMs - promiseMs;
    const { version: _version, revision: _revision, deadlineMs: _deadline, ...rest } = stored;
    store.#storedText = JSON.stringify(rest);
    // What an earlier release stored lacks the fields that came later; its deaths have all been told.
    const isOldDeath = stored.status === "dead" && stored.reminders === undefined;
    const defaults = { remindEverySeconds: 0, ...(isOldDeath ? { reminders: 0, toldMs: stored.sinceMs } : {}) };
    store.#service = { ...defaults, ...rest, lastMs } as Service;
    return store;
  }

  /** The service; undefined before its first pulse. */
  get service(): Service | undefined {
    return this.#service;
  }

  /** Rises with every change of anything but the deadline; 0 before the first. */
  get revision(): number {
    return this.#stored?.revision ?? this.#forgottenRevision;
  }

  /** To be called first in `alarm()`: the alarm that woke the object is spent. */
  spendAlarm(): void {
    this.#armedMs = undefined;
  }

  /**
   * Writes what has changed of the service, and sets the alarm, without awaiting: together with what the caller writes
   * before its next await it is one atomic step.
   * @param service undefined where there is none (any more)
   * @param wakeMs when the object must wake up by itself; undefined for never
   */
  write(service: Service | undefined, wakeMs: number | undefined, nowMs: number): void {
    // An alarm for now or earlier would be stored as now, and is a known trap inside alarm() (workerd#6866).
    const armMs = wakeMs === undefined ? undefined : Math.max(wakeMs, nowMs + 1);
    if (service) {
      this.#save(service, armMs, nowMs);
    } else if (this.#stored) {
      this.#storage.kv.delete(KEY);
      this.keys.revoke();
      this.handed.clear();
      this.#forgottenRevision = this.#stored.revision;
      this.#stored = undefined;
      this.#storedText = undefined;
    }
    this.#service = service;
    if (armMs === this.#armedMs) return;
    const done = armMs === undefined ? this.#storage.deleteAlarm() : this.#storage.setAlarm(armMs);
    this.#armedMs = armMs;
    done.catch(this.#onLostWrite);
  }

  #save(service: Service, armMs: number | undefined, nowMs: number): void {
    const deadline = promiseEndMs(service);
    const deadlineMs = service.status === "alive" && armMs === deadline ? null : deadline;
    const { lastMs, ...rest } = service;
    const text = JSON.stringify(rest);
    // Not backwards: the directory orders rows by revision and last.
    const isSteady = text === this.#storedText && lastMs >= (this.#service?.lastMs ?? 0);
    if (isSteady && deadlineMs === this.#stored?.deadlineMs) return;
    const revision = isSteady ? this.revision : Math.max(this.revision + 1, nowMs);
    const next = { ...rest, version: 1, revision, deadlineMs } as StoredService;
    this.#storage.kv.put(KEY, next);
    this.#stored = next;
    this.#storedText = text;
  }
}
