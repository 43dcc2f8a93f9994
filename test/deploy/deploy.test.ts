import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ASSETS } from "../../src/gui/assets.ts";
import { CloudflareApi } from "./support/cloudflare-api.ts";
import { appliedMigrations, boundDatabase, migrationsOf, passwordOf, schema, schemaOf } from "./support/observe.ts";
import { paste } from "./support/paste.ts";
import { Project } from "./support/project.ts";

describe("npm run deploy, over the life of an account", { timeout: 60_000 }, () => {
  const api = new CloudflareApi();
  const project = new Project();
  beforeAll(() => api.start());
  afterAll(async () => {
    await api.stop();
    project.remove();
  });
  const script = () => api.account.script("watchtower");
  const sqlite = () => api.account.database("watchtower").sqlite;
  let password: string | undefined;

  test("brings a fresh account to a running service", async () => {
    const run = await project.deploy(api);
    expect(run.stderr).not.toContain("ERROR");
    expect(run.code).toBe(0);
    expect(appliedMigrations(sqlite())).toEqual(migrationsOf(project));
    expect(schema(sqlite())).toEqual(schemaOf(project));
    const { versions, deployed, subdomainEnabled, crons } = script();
    expect(versions).toHaveLength(1);
    expect(deployed?.bindings).toContainEqual(boundDatabase(api.account));
    expect(deployed?.bindings).toContainEqual(expect.objectContaining({ class_name: "ServiceMonitor" }));
    expect(deployed?.bindings).toContainEqual(expect.objectContaining({ class_name: "BulkReader" }));
    expect(deployed?.bindings).toContainEqual(expect.objectContaining({ class_name: "Sentinel" }));
    for (const name of ["LOGIN_ATTEMPTS", "FAILED_PASSWORDS"]) {
      expect(deployed?.bindings).toContainEqual(expect.objectContaining({ name, type: "ratelimit" }));
    }
    const assets = api.account.assets.get(deployed?.metadata.assets?.jwt ?? "");
    expect(assets).toEqual(["/docs.css", "/docs.html", ...Object.values(ASSETS).sort(), "/openapi.json"]);
    expect({ subdomainEnabled, crons }).toEqual({ subdomainEnabled: true, crons: ["*/10 * * * *"] });

    password = passwordOf(deployed);
    expect(password).toMatch(/^[\w-]{32}$/);
    expect(run.stdout).toContain(`The new password is ${password}`);
    expect(run.stdout).toContain("https://watchtower.example.workers.dev");
    expect(await paste(run.stdout)).toMatchObject({ password, body: { nextIn: 60 } });
    expect(readdirSync(project.temp)).toEqual([]);
  });

  test("run again, keeps the password, the variables of the dashboard and the data", async () => {
    const dashboard = [
      { type: "plain_text", name: "TIMEZONE", text: "Europe/Paris" },
      { type: "secret_text", name: "PUSHOVER_TOKEN", text: "set by hand" },
    ];
    script().deployed?.bindings.push(...dashboard);
    sqlite().exec("CREATE TABLE mine (x); INSERT INTO mine VALUES (1)");

    const run = await project.deploy(api);
    expect(run.code).toBe(0);
    expect(run.stdout).toContain("password  unchanged");
    expect(run.stdout).toContain("curl -u watchtower 'https://watchtower.example.workers.dev'");
    const { versions, deployed } = script();
    expect(deployed).toBe(versions[1]);
    expect(deployed?.metadata.keep_bindings).toEqual(["plain_text", "json", "secret_text", "secret_key"]);
    expect(deployed?.metadata.bindings.map(({ type }) => type)).not.toContain("secret_text");
    expect(passwordOf(deployed)).toBe(password);
    expect(deployed?.bindings).toEqual(expect.arrayContaining([...dashboard, boundDatabase(api.account)]));
    expect(api.account.databases.size).toBe(1);
    expect(sqlite().prepare("SELECT x FROM mine").all()).toEqual([{ x: 1 }]);
  });

  const later = join(project.folder, "migrations/9999_later.sql");

  test("leaves the Worker alone when a migration is refused", async () => {
    writeFileSync(later, "CREATE TABLE later (x);\nCREATE TABLE later (x);\n");
    const run = await project.deploy(api);
    expect(run.code).toBe(1);
    expect(run.stderr).toContain("This step failed: Apply the migrations");
    expect(script().versions).toHaveLength(2);
    expect(appliedMigrations(sqlite())).not.toContain("9999_later.sql");
  });

  test("applies a new migration before it uploads the Worker", async () => {
    writeFileSync(later, "CREATE TABLE later (x);\n");
    const from = api.calls.length;
    expect((await project.deploy(api)).code).toBe(0);
    expect(appliedMigrations(sqlite())).toEqual(migrationsOf(project));
    const calls = api.calls.slice(from);
    const migrated = calls.findIndex(({ body }) => JSON.stringify(body)?.includes("CREATE TABLE later"));
    expect(migrated).toBeGreaterThan(-1);
    expect(calls.findIndex(({ metadata }) => metadata)).toBeGreaterThan(migrated);
  });

  test("changes the password to a given one, also after a version was uploaded but not deployed", async () => {
    api.fault = { call: /^POST .*\/deployments$/, how: "refused" };
    expect((await project.deploy(api, { PASSWORD: "changed" })).code).toBe(1);
    expect(passwordOf(script().deployed)).toBe(password);
    api.fault = undefined;
    const run = await project.deploy(api, { PASSWORD: "changed" });
    expect(run.code).toBe(0);
    expect(run.stdout).toContain("password  changed");
    expect(script().deployed).toBe(script().versions.at(-1));
    expect(passwordOf(script().deployed)).toBe("changed");
  });

  test("has called nothing but the API that the stub knows", () => {
    expect(api.strays).toEqual([]);
  });
});
