/** Tells what D1 says of each answer: the rows that it read and wrote, and how long it took. */
export function meteredD1(d1: D1Database, note: (meta: D1Meta) => void): D1Database {
  /** What stands behind the statements that were handed out: D1 takes none but its own into a batch. */
  const originals = new WeakMap<D1PreparedStatement, D1PreparedStatement>();

  function counted<R extends D1Result>(result: R): R {
    note(result.meta);
    return result;
  }

  function metered(original: D1PreparedStatement): D1PreparedStatement {
    const statement = {
      bind: (...values: unknown[]) => metered(original.bind(...values)),
      run: async () => counted(await original.run()),
      all: async () => counted(await original.all()),
      // Raw answers say nothing of their rows. Drizzle makes arrays of objects in the same way where it sends batches.
      raw: async () => counted(await original.all<Record<string, unknown>>()).results.map(Object.values),
    } as unknown as D1PreparedStatement;
    originals.set(statement, original);
    return statement;
  }

  return {
    prepare: (query: string) => metered(d1.prepare(query)),
    async batch(statements: D1PreparedStatement[]) {
      const results = await d1.batch(statements.map((statement) => originals.get(statement) ?? statement));
      return results.map(counted);
    },
  } as unknown as D1Database;
}
