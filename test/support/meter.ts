import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { vi } from "vitest";
import { monitorOf } from "./monitor.ts";
import { realSentinel } from "./sentinel.ts";

/** What D1 said of one statement. */
interface Query {
  sql: string;
  rowsRead: number;
  rowsWritten: number;
}

/** What D1 is asked from now on, until {@link Meter.stop}. */
export interface Meter {
  /** One for each statement, also of those that are sent in a batch. */
  queries: Query[];
  /** Waits until D1 has answered all that it was asked, also by what nobody waits for. */
  settled(): Promise<void>;
  stop(): void;
}

/** Counts what is asked of D1, by the Worker and by objects alike. */
export function meterD1(): Meter {
  const queries: Query[] = [];
  const underWay = new Set<Promise<unknown>>();
  const realOf = new WeakMap<D1PreparedStatement, { sql: string; real: D1PreparedStatement }>();
  const prepare = env.DB.prepare.bind(env.DB);
  const batch = env.DB.batch.bind(env.DB);

  function note(sql: string, meta: D1Meta): void {
    queries.push({ sql, rowsRead: meta.rows_read, rowsWritten: meta.rows_written });
  }

  function watched<T>(work: Promise<T>): Promise<T> {
    const done = work.catch(() => {}).finally(() => underWay.delete(done));
    underWay.add(done);
    return work;
  }

  function metered(sql: string, real: D1PreparedStatement): D1PreparedStatement {
    async function counted<R extends D1Result>(answer: Promise<R>): Promise<R> {
      const result = await answer;
      note(sql, result.meta);
      return result;
    }
    const statement = {
      bind: (...values: unknown[]) => metered(sql, real.bind(...values)),
      run: () => watched(counted(real.run())),
      all: () => watched(counted(real.all())),
      first: () => Promise.reject(new Error("The meter does not know first(), which says nothing of its rows.")),
      // What comes back raw says nothing of its rows either.
      raw: () => watched(counted(real.all<object>()).then(({ results }) => results.map(Object.values))),
    } as unknown as D1PreparedStatement;
    realOf.set(statement, { sql, real });
    return statement;
  }

  const spies = [
    vi.spyOn(env.DB, "prepare").mockImplementation((sql) => metered(sql, prepare(sql))),
    vi.spyOn(env.DB, "batch").mockImplementation((statements) => {
      const known = statements.map((statement) => realOf.get(statement) ?? { sql: "", real: statement });
      const answers = batch(known.map(({ real }) => real));
      return watched(
        answers.then((results) => {
          for (const [i, { meta }] of results.entries()) note(known[i]?.sql ?? "", meta);
          return results as never;
        }),
      );
    }),
  ];
  return {
    queries,
    async settled() {
      do {
        await Promise.all(underWay);
        // What follows an answer may ask again.
        await new Promise((resolve) => setTimeout(resolve, 20));
      } while (underWay.size > 0);
    },
    stop() {
      for (const spy of spies) spy.mockRestore();
    },
  };
}

/**
 * Counts the rows that a service's object writes from now on, as Cloudflare bills them: an alarm is a row, so is a value
 * put or deleted, and SQL says for itself.
 */
export function meterObject(service: string): Promise<() => number> {
  return meterStorage(monitorOf(service) as DurableObjectStub);
}

/** Counts the rows that an object writes from now on. */
export function meterStorage(object: DurableObjectStub): Promise<() => number> {
  return runInDurableObject(object, (_, { storage }) => {
    let rows = 0;
    const cursors: SqlStorageCursor<Record<string, SqlStorageValue>>[] = [];
    const count = (object: object, method: string) => {
      const real = Reflect.get(object, method).bind(object);
      vi.spyOn(object as Record<string, () => unknown>, method).mockImplementation((...values: unknown[]) => {
        rows++;
        return real(...values);
      });
    };
    for (const method of ["setAlarm", "deleteAlarm", "deleteAll"]) count(storage, method);
    for (const method of ["put", "delete"]) count(storage.kv, method);
    const exec = storage.sql.exec.bind(storage.sql);
    vi.spyOn(storage.sql, "exec").mockImplementation((query: string, ...bindings: unknown[]) => {
      const cursor = exec(query, ...bindings);
      cursors.push(cursor);
      return cursor as never;
    });
    return () => rows + cursors.reduce((sum, cursor) => sum + cursor.rowsWritten, 0);
  });
}

/** What some work costs: the numbers that Cloudflare counts. */
export interface Cost {
  queries: number;
  rowsRead: number;
  rowsWritten: number;
  objectCalls: number;
  objectRows: number;
}

/** The names of all buffers. */
export const BUFFERS = ["buffer 0", "buffer 1", "buffer 2", "buffer 3"];

/**
 * Measures what some work costs.
 * @param services those whose objects may write
 * @param rules those whose objects may write
 * @param isAlarm whether the work is the alarm of a service's object: that is a call, too
 * @param isRuleAlarm whether it is the alarm of a rule's object
 */
export async function costOf(
  work: () => Promise<unknown>,
  {
    services = [],
    rules = [],
    isAlarm = false,
    isRuleAlarm = false,
  }: { services?: string[]; rules?: string[]; isAlarm?: boolean; isRuleAlarm?: boolean } = {},
): Promise<Cost> {
  const objects = await Promise.all([
    ...services.map(meterObject),
    ...rules.map((name) => meterStorage(env.RULE_MONITOR.getByName(name) as DurableObjectStub)),
    meterStorage(realSentinel() as DurableObjectStub),
    ...BUFFERS.map((name) => meterStorage(env.EVENT_BUFFER.getByName(name) as DurableObjectStub)),
  ]);
  const d1 = meterD1();
  const calls = vi.spyOn(env.SERVICE_MONITOR, "getByName");
  const sentinel = vi.mocked(env.SENTINEL.getByName);
  const messengers = vi.mocked(env.MESSENGER.getByName);
  sentinel.mockClear();
  messengers.mockClear();
  const buffers = vi.spyOn(env.EVENT_BUFFER, "getByName");
  const ofRules = vi.spyOn(env.RULE_MONITOR, "getByName");
  const handedOver = vi.spyOn(env.BULK_READER as NonNullable<typeof env.BULK_READER>, "getByName");
  try {
    await work();
    await d1.settled();
    const sum = (of: (query: Query) => number) => d1.queries.reduce((total, query) => total + of(query), 0);
    const others = [sentinel, messengers, buffers, ofRules].reduce((sum, { mock }) => sum + mock.calls.length, 0);
    const alarms = Number(isAlarm) + Number(isRuleAlarm);
    return {
      queries: d1.queries.length,
      rowsRead: sum(({ rowsRead }) => rowsRead),
      rowsWritten: sum(({ rowsWritten }) => rowsWritten),
      objectCalls: (isAlarm ? 0 : calls.mock.calls.length + handedOver.mock.calls.length) + others + alarms,
      // The test's way to run an alarm takes it away first; the platform's own way to do that is not billed.
      // A messenger writes a row for each message; test/monitor/messenger.test.ts counts that.
      objectRows: objects.reduce((total, rows) => total + rows(), 0) + messengers.mock.calls.length - alarms,
    };
  } finally {
    calls.mockRestore();
    handedOver.mockRestore();
    buffers.mockRestore();
    ofRules.mockRestore();
    d1.stop();
  }
}
