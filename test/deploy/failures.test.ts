import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { credentials, type Fault } from "./support/cloudflare-api.ts";
import { appliedMigrations, boundDatabase, migrationsOf, passwordOf } from "./support/observe.ts";
import { onStub } from "./support/on-stub.ts";

describe.concurrent("npm run deploy, when something fails", { timeout: 300_000 }, () => {
  const call = {
    listDatabases: /^GET .*\/d1\/database$/,
    listSecrets: /^GET .*\/secrets$/,
    createDatabase: /^POST .*\/d1\/database$/,
    query: /^POST .*\/query$/,
    upload: /^PUT .*\/scripts\/watchtower$/,
    publish: /^POST .*\/subdomain$/,
    schedule: /^PUT .*\/schedules$/,
  };
  const stories: Record<string, [string, RegExp, Fault["how"]][]> = {
    "up to the upload": [
      ["Look at", call.listDatabases, "refused"],
      ["Look at", call.listSecrets, "refused"],
      ["Create", call.createDatabase, "answered with an error"],
      ["Apply", call.query, "refused"],
      ["Deploy", call.upload, "refused"],
    ],
    "from the upload on": [
      ["Deploy", call.upload, "answered with an error"],
      ["Deploy", call.publish, "refused"],
      ["Deploy", call.schedule, "refused"],
    ],
  };
  for (const [name, faults] of Object.entries(stories)) {
    test(
      `gets further with every run while each meets another error ${name}, and through when there is none`,
      onStub(async (api, project) => {
        let printed = "";
        for (const [step, failing, how] of faults) {
          api.fault = { call: failing, how };
          const run = await project.deploy(api);
          expect(run.code).toBe(1);
          expect(run.stderr).toContain(`This step failed: ${step}`);
          expect(run.stderr).toContain("The stub refuses");
          expect(readdirSync(project.temp)).toEqual([]);
          printed += run.stdout;
        }
        api.fault = undefined;
        const run = await project.deploy(api);
        expect(run.code).toBe(0);
        const { deployed, versions, crons } = api.account.script("watchtower");
        expect(versions.every((version) => passwordOf(version) === passwordOf(deployed))).toBe(true);
        expect(printed + run.stdout).toContain(`The new password is ${passwordOf(deployed)}`);
        expect(deployed?.bindings).toContainEqual(boundDatabase(api.account));
        expect(appliedMigrations(api.account.database("watchtower").sqlite)).toEqual(migrationsOf(project));
        expect(crons).toHaveLength(1);
      }),
    );
  }

  test(
    "tells a new account how to get its workers.dev address, and goes on from there",
    onStub(async (api, project) => {
      api.account.subdomain = undefined;
      const run = await project.deploy(api);
      expect(run.code).toBe(1);
      expect(run.stderr).toContain("register a workers.dev subdomain here");
      expect(api.account.scripts.size).toBe(0);

      api.account.subdomain = "example";
      const again = await project.deploy(api);
      expect(again.code).toBe(0);
      expect(again.stdout).toContain(`The new password is ${passwordOf(api.account.script("watchtower").deployed)}`);
    }),
  );

  test(
    "removes the secrets' file, which only its owner can read, when it is stopped",
    onStub(async (api, project) => {
      api.fault = { call: /^PUT .*\/scripts\/watchtower$/, how: "never answered" };
      const stop = new AbortController();
      const run = project.deploy(api, {}, [], stop.signal);
      await expect.poll(() => api.calls.some(({ metadata }) => metadata), { timeout: 120_000 }).toBe(true);
      const [folder = ""] = readdirSync(project.temp);
      expect(statSync(join(project.temp, folder, "secrets.json")).mode & 0o777).toBe(0o600);
      stop.abort();
      expect((await run).code).toBe(1);
      expect(readdirSync(project.temp)).toEqual([]);
    }),
  );

  test(
    "says how to log in when there is no token",
    onStub(async (api, project) => {
      const run = await project.deploy(api, { CLOUDFLARE_API_TOKEN: undefined });
      expect(run.code).toBe(1);
      expect(run.stderr).toContain("Not logged in to Cloudflare: run `npx wrangler login` or set CLOUDFLARE_API_TOKEN");
      expect(api.calls).toEqual([]);
    }),
  );

  test(
    "passes on what Cloudflare says to a token that it refuses",
    onStub(async (api, project) => {
      const run = await project.deploy(api, { CLOUDFLARE_API_TOKEN: `not ${credentials.token}` });
      expect(run.code).toBe(1);
      expect(run.stderr).toContain("Authentication error [code: 10000]");
    }),
  );

  test(
    "refuses a password that can't travel in a header, before it asks Cloudflare anything",
    onStub(async (api, project) => {
      for (const name of ["PASSWORD", "PASSWORD_PREVIOUS", "PASSWORD_READ"]) {
        const run = await project.deploy(api, { [name]: "pässword" });
        expect(run.code).toBe(1);
        expect(run.stderr).toContain(`${name} must be printable ASCII`);
      }
      expect(api.calls).toEqual([]);
    }),
  );
});
