import { spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type CloudflareApi, credentials } from "./cloudflare-api.ts";

const repository = resolve(import.meta.dirname, "../../..");

/** How a run of the script ended. */
export interface Run {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A copy of what the repository deploys, so that a test may add a migration, with a home and a temp folder of its own. */
export class Project {
  readonly folder = mkdtempSync(join(tmpdir(), "watchtower-test-"));
  readonly home = join(this.folder, "home");
  readonly temp = join(this.folder, "temp");

  constructor() {
    mkdirSync(this.home);
    mkdirSync(this.temp);
    for (const name of ["wrangler.toml", "package.json", "tsconfig.json", "public", "src", "migrations", "scripts"]) {
      cpSync(join(repository, name), join(this.folder, name), { recursive: true });
    }
    symlinkSync(join(repository, "node_modules"), join(this.folder, "node_modules"));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }

  /** Runs `node scripts/deploy.ts` against the stub; every request to another host would go to the stub as a proxy. */
  deploy(api: CloudflareApi, env: NodeJS.ProcessEnv = {}, args: string[] = [], signal?: AbortSignal): Promise<Run> {
    return new Promise((done, fail) => {
      const child = spawn(process.execPath, ["scripts/deploy.ts", ...args], {
        cwd: this.folder,
        stdio: ["ignore", "pipe", "pipe"],
        env: {
          PATH: process.env.PATH,
          HOME: this.home,
          TMPDIR: this.temp,
          CLOUDFLARE_API_BASE_URL: `${api.url}/client/v4`,
          CLOUDFLARE_API_TOKEN: credentials.token,
          CLOUDFLARE_ACCOUNT_ID: credentials.accountId,
          WRANGLER_SEND_METRICS: "false",
          WRANGLER_HIDE_BANNER: "true",
          HTTPS_PROXY: api.url,
          HTTP_PROXY: api.url,
          NO_PROXY: "127.0.0.1",
          // Each run starts wrangler several times.
          NODE_COMPILE_CACHE: join(repository, "node_modules/.cache/wrangler-compile"),
          ...env,
        },
      });
      let stdout = "";
      let stderr = "";
      child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text));
      child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
      signal?.addEventListener("abort", () => child.kill());
      child.on("error", fail);
      child.on("close", (code) => done({ code, stdout, stderr }));
    });
  }
}
