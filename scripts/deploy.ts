import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { unstable_readConfig as readConfig } from "wrangler";
import { givenSecrets, newPassword, type Secrets } from "./deploy/secrets.ts";
import { summary } from "./deploy/summary.ts";
import { askWrangler, runWrangler, WranglerError } from "./deploy/wrangler.ts";

// Each step looks at what is there before it acts, and the Worker comes last: a run that failed is repaired by running
// it again. A password is printed before it is sent, because from then on nobody can read it back: where the upload
// succeeded but its answer, or a step after it, did not, the next run finds the secret and leaves it alone.

const binding = "DB";

async function deploy(dryRun: boolean): Promise<void> {
  const secrets = givenSecrets(process.env);
  const target = readTarget();

  const found = await step("Look at the Cloudflare account", () => look(target));
  const generated = secrets.PASSWORD === undefined && !found.secrets.includes("PASSWORD");
  if (generated) secrets.PASSWORD = newPassword();
  const names = Object.keys(secrets).join(", ");
  const database = `the database ${target.database}`;
  if (dryRun) {
    console.log(found.database ? `Would use ${database} as it is` : `Would create ${database}`);
    console.log(`Would apply the pending migrations to ${database}`);
    console.log(`Would deploy the Worker ${target.worker} and set ${names || "no secrets"}`);
    return;
  }

  if (!found.database) await step(`Create ${database}`, () => askWrangler(["d1", "create", target.database]));
  // Unasked: a "no" would end with exit code 0 and let the Worker meet a database that it does not know.
  await step(`Apply the migrations to ${database}`, () =>
    runWrangler(["d1", "migrations", "apply", binding, "--remote"], "ignore"),
  );
  const url = await step(`Deploy the Worker ${target.worker}`, () => {
    if (names) console.log(`Setting ${names}`);
    if (generated) console.log(`The new password is ${secrets.PASSWORD}\nKeep it: it can't be read back.`);
    return deployWorker(secrets);
  });
  console.log(`\n${summary(url, secrets.PASSWORD)}`);
}

/** What wrangler.toml names, after the overrides that wrangler itself obeys. */
function readTarget() {
  const config: {
    name?: string;
    d1_databases: { binding: string; database_name?: string; database_id?: string }[];
  } = readConfig({}, { hideWarnings: true });
  const database = config.d1_databases.find((entry) => entry.binding === binding);
  // Workers Builds may insist on the name that the Worker has in the dashboard.
  const worker = process.env.WRANGLER_CI_OVERRIDE_NAME ?? config.name;
  if (!worker || !database?.database_name) {
    throw new Error(`wrangler.toml must have a name, and a D1 database with binding ${binding} and a database_name`);
  }
  return { worker, database: database.database_name, databaseId: database.database_id };
}

type Target = ReturnType<typeof readTarget>;

async function look({ worker, database, databaseId }: Target) {
  // In a terminal wrangler may have to log in and to ask for the account; what is read from a pipe can't ask.
  if (process.stdin.isTTY && process.stdout.isTTY) await runWrangler(["d1", "list"], "inherit");
  const databases: { name: string }[] = JSON.parse(await askWrangler(["d1", "list", "--json"]).catch(explainLogin));
  return {
    database: databaseId !== undefined || databases.some((entry) => entry.name === database),
    secrets: await secretsOf(worker),
  };
}

function explainLogin(error: unknown): never {
  // Wrangler's own advice here is an option that this script doesn't take.
  if (error instanceof WranglerError && error.said.includes("a CLOUDFLARE_API_TOKEN environment variable")) {
    throw new Error(
      "Not logged in to Cloudflare: run `npx wrangler login` or set CLOUDFLARE_API_TOKEN; see docs/deploy.md",
    );
  }
  throw error;
}

async function secretsOf(worker: string): Promise<string[]> {
  try {
    const secrets: { name: string }[] = JSON.parse(await askWrangler(["secret", "list", "--name", worker]));
    return secrets.map((secret) => secret.name);
  } catch (error) {
    if (error instanceof WranglerError && error.said.includes(`Worker "${worker}" not found`)) return [];
    throw error;
  }
}

/** Deploys with the secrets in the same call, so that no version ever runs without a password, and returns its URL. */
async function deployWorker(secrets: Secrets): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "watchtower-deploy-"));
  // A build system that wants to read wrangler's report too still finds it where it said.
  const report =
    process.env.WRANGLER_OUTPUT_FILE_PATH ??
    join(process.env.WRANGLER_OUTPUT_FILE_DIRECTORY ?? folder, "wrangler-output-deploy.json");
  try {
    const args = ["deploy"];
    if (Object.keys(secrets).length > 0) {
      const file = join(folder, "secrets.json");
      writeFileSync(file, JSON.stringify(secrets), { mode: 0o600 });
      args.push("--secrets-file", file);
    }
    await runWrangler(args, "inherit", { WRANGLER_OUTPUT_FILE_PATH: report });
    return deployedUrl(readFileSync(report, "utf8"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function deployedUrl(report: string): string {
  const entries = report
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const deployed: { version_id: string | null; targets?: string[] } = entries.findLast(({ type }) => type === "deploy");
  // Who says no to one of wrangler's questions gets exit code 0 without a version.
  if (deployed.version_id === null) throw new Error("wrangler was told not to deploy");
  const address = deployed.targets?.find((target) => !target.startsWith("schedule:"));
  return `https://${address?.replace("https://", "").split(/[ /]/)[0] ?? "YOUR-ADDRESS"}`;
}

async function step<T>(title: string, run: () => Promise<T>): Promise<T> {
  console.log(`\n==> ${title}`);
  try {
    return await run();
  } catch (error) {
    const said = error instanceof WranglerError && error.said ? error.said : (error as Error).message;
    throw new Error(`${said}\n\nThis step failed: ${title}\nNothing is lost: mend the cause and run it again.`);
  }
}

try {
  const { values } = parseArgs({ options: { "dry-run": { type: "boolean", default: false } } });
  await deploy(values["dry-run"]);
} catch (error) {
  console.error(`\n${(error as Error).message}`);
  process.exitCode = 1;
}
