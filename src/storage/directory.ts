import { asc, eq, sql } from "drizzle-orm";
import type { Snapshot } from "../domain/snapshot.ts";
import type { Database } from "./database.ts";
import { excluded } from "./excluded.ts";
import { services } from "./schema.ts";

/** The statement that brings rows up to date; one that is older than what is stored changes nothing. */
export function upsertServices(db: Database, snapshots: readonly Snapshot[]) {
  const rows = snapshots.map(({ targets, graceIsOwn, ...snapshot }) => ({
    ...snapshot,
    graceIsOwn: Number(graceIsOwn),
    alertType: targets[0]?.type ?? "",
    alertTarget: targets[0]?.target ?? "",
  }));
  return db
    .insert(services)
    .select(
      sql`select value ->> 'service', value ->> 'status', value ->> 'since', value ->> 'last', value ->> 'nextIn',
                 value ->> 'grace', value ->> 'graceIsOwn', value ->> 'alertType', value ->> 'alertTarget',
                 value ->> 'revision', value ->> 'asOf'
          from json_each(${JSON.stringify(rows)}) where true`,
    )
    .onConflictDoUpdate({
      target: services.service,
      set: excluded(services, [
        "status",
        "since",
        "last",
        "nextIn",
        "grace",
        "graceIsOwn",
        "alertType",
        "alertTarget",
        "revision",
        "asOf",
      ]),
      setWhere: sql`(excluded.revision, excluded.last) > (services.revision, services.last)`,
    });
}

/** All services, by name. */
export async function listServices(db: Database): Promise<Snapshot[]> {
  return (await db.select().from(services).orderBy(asc(services.service))).map(toSnapshot);
}

/** What the directory knows of a service; undefined where it was never heard of. */
export async function findService(db: Database, name: string): Promise<Snapshot | undefined> {
  const [row] = await db.select().from(services).where(eq(services.service, name)).limit(1);
  return row && toSnapshot(row);
}

function toSnapshot({ alertType, alertTarget, ...row }: typeof services.$inferSelect): Snapshot {
  return { ...row, targets: alertType ? [{ type: alertType, target: alertTarget }] : [] };
}
