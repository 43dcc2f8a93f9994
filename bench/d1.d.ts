import type * as workers from "@cloudflare/workers-types";

// What src/storage takes for granted; all of the runtime's own types would take the place of some of Node's.
declare global {
  type D1Database = workers.D1Database;
  type D1PreparedStatement = workers.D1PreparedStatement;
  type D1Meta = workers.D1Meta;
  type D1Result<T = unknown> = workers.D1Result<T>;
}
