import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { passwordOf } from "./support/observe.ts";
import { onStub } from "./support/on-stub.ts";
import { paste } from "./support/paste.ts";

describe.concurrent("npm run deploy, the first time", { timeout: 120_000 }, () => {
  test(
    "sets the secrets that the environment gives, whatever is in them",
    onStub(async (api, project) => {
      const given = { PASSWORD: `it's "$HOME" \\ 100%`, PUSHOVER_TOKEN: "token", WEBHOOK_SECRET: "päss=wörd #1" };
      const run = await project.deploy(api, { ...given, UNRELATED: "no" });
      expect(run.code).toBe(0);
      const bindings = api.account.script("watchtower").deployed?.bindings ?? [];
      const secrets = bindings.filter(({ type }) => type === "secret_text").map(({ name, text }) => [name, text]);
      expect(Object.fromEntries(secrets)).toEqual(given);
      expect(run.stdout).not.toContain("new password");
      expect(run.stdout).not.toContain(given.WEBHOOK_SECRET);
      expect(await paste(run.stdout)).toMatchObject({ password: given.PASSWORD });
    }),
  );

  test(
    "makes a password for a Worker that has none",
    onStub(async (api, project) => {
      api.account.createPlaceholder("watchtower", {});
      const run = await project.deploy(api);
      expect(run.code).toBe(0);
      expect(run.stdout).toContain(`The new password is ${passwordOf(api.account.script("watchtower").deployed)}`);
    }),
  );

  test(
    "fits Workers Builds, where Worker, password and database are there before, under names of their own",
    onStub(async (api, project) => {
      const { tag } = api.account.createPlaceholder("my-tower", { PASSWORD: "typed in the dashboard" });
      const { uuid } = api.account.createDatabase("my-database");
      const config = join(project.folder, "wrangler.toml");
      const named = `database_name = "my-database"\ndatabase_id = "${uuid}"`;
      writeFileSync(config, readFileSync(config, "utf8").replace('database_name = "watchtower"', named));

      const run = await project.deploy(api, {
        CI: "true",
        WORKERS_CI: "1",
        WRANGLER_CI_OVERRIDE_NAME: "my-tower",
        WRANGLER_CI_MATCH_TAG: tag,
        WRANGLER_OUTPUT_FILE_DIRECTORY: join(project.folder, "report"),
      });
      expect(run.stderr).not.toContain("ERROR");
      expect(run.code).toBe(0);
      expect(run.stdout).toContain("https://my-tower.example.workers.dev");
      const { deployed } = api.account.script("my-tower");
      expect(passwordOf(deployed)).toBe("typed in the dashboard");
      expect(deployed?.bindings).toContainEqual({ type: "d1", name: "DB", id: uuid });
      expect([api.account.scripts.size, api.account.databases.size]).toEqual([1, 1]);
      expect(readdirSync(join(project.folder, "report"))).toContain("wrangler-output-deploy.json");
      expect(api.strays).toEqual([]);
    }),
  );

  test(
    "changes nothing with --dry-run",
    onStub(async (api, project) => {
      const run = await project.deploy(api, {}, ["--dry-run"]);
      expect(run.code).toBe(0);
      expect(run.stdout).toContain("Would create the database watchtower");
      expect(run.stdout).toContain("Would deploy the Worker watchtower and set PASSWORD");
      expect(api.calls.every(({ method }) => method === "GET")).toBe(true);
    }),
  );
});
