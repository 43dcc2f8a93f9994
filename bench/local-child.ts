import { bundleWorker } from "../scripts/local/bundle.ts";
import { applyMigrations } from "../scripts/local/migrations.ts";
import { startRuntime } from "../scripts/local/runtime.ts";
import { readWorkerConfig } from "../scripts/local/wrangler-config.ts";

/*
 * What `npm start` runs, for any Worker, in a process of its own: who sends the load shall not wait for Miniflare. It is
 * told by a message what to run, and answers with the address; then it asks D1 whatever it is told to.
 */

/** A statement for D1, with its parameters. */
export interface Statement {
  sql: string;
  parameters: (string | number | null)[];
}

async function run(root: string, stateDir: string, variables: Record<string, string>): Promise<void> {
  const config = readWorkerConfig(root);
  const script = await bundleWorker(config.main);
  const hasDatabase = Object.values(config.env).some(({ type }) => type === "d1");
  if (hasDatabase) await applyMigrations(config, stateDir);
  const { miniflare, url } = await startRuntime(
    { config, script, variables },
    { host: "127.0.0.1", port: 0, stateDir },
  );
  process.on("message", async (asked: Statement | "stop") => {
    if (asked === "stop") {
      await miniflare.dispose();
      process.exit(0);
    }
    const db = await miniflare.getD1Database("DB");
    const { results } = await db
      .prepare(asked.sql)
      .bind(...asked.parameters)
      .all();
    process.send?.({ results });
  });
  process.send?.({ url: url.href });
}

// Who started this is gone.
process.once("disconnect", () => process.exit(1));
process.once("message", ({ root, stateDir, variables }: Parameters<typeof JSON.stringify>[0]) =>
  run(root, stateDir, variables).catch((error) => {
    console.error(error);
    process.exit(1);
  }),
);
