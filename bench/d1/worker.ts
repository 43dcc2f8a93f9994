import { DurableObject } from "cloudflare:workers";

/** A statement, as the D1 binding sends it. */
interface Query {
  sql: string;
  params?: (string | number | null)[];
}

/**
 * D1 for bare workerd, which has the binding but no database behind it: SQLite in an object, and as much of the
 * protocol between the two as the product needs.
 */
export class Database extends DurableObject {
  override async fetch(request: Request): Promise<Response> {
    const asked = (await request.json()) as Query | Query[];
    const asRows = new URL(request.url).searchParams.get("resultsFormat") === "ROWS_AND_COLUMNS";
    const { sql } = this.ctx.storage;
    try {
      const results = this.ctx.storage.transactionSync(() =>
        [asked].flat().map(({ sql: text, params = [] }) => {
          const cursor = sql.exec(text, ...params);
          const columns = cursor.columnNames;
          const rows = [...cursor.raw()];
          const objects = () => rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i]])));
          return {
            success: true,
            results: asRows ? { columns, rows } : objects(),
            meta: { rows_read: cursor.rowsRead, rows_written: cursor.rowsWritten, duration: 0, changes: 0 },
          };
        }),
      );
      return Response.json(results);
    } catch (error) {
      return Response.json({ success: false, error: String(error) });
    }
  }
}

interface Env {
  DATABASE: DurableObjectNamespace<Database>;
}

export default {
  fetch: (request, env) => env.DATABASE.getByName("DB").fetch(request),
} satisfies ExportedHandler<Env>;
