import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

/** Where the targets of a kept state are: an alert that it owes is delivered there. */
export const PROVIDER_PORT = 39_517;
/** A target that took nothing while the state was made. */
export const OWED_PATH = "/owed";

/** How a kept state was written, and has to be run. */
export const RELEASE_ENV = {
  GRACE_SECONDS: "0",
  PASSWORD: "release",
  PULSE_KEY_SECRET: "what the keys of the kept states are signed with",
};

/** What a release had to say of its state when it was ended. */
export interface Written {
  madeAt: string;
  /** The pulse key of the service "device". */
  key: string;
  heartBeats: { service: string; status: string; last: number; [field: string]: unknown }[];
  events: { id: string; service: string; message: string; [field: string]: unknown }[];
  alerts: { id: string; service: string; state: string; attempts: number; [field: string]: unknown }[];
}

/** An earlier release, as it is kept for the tests. */
export interface Release {
  version: string;
  stateFile: string;
  written: Written;
  /** Its Worker, bundled, and the configuration of that. */
  script: string;
  wranglerToml: string;
}

/** All releases that are kept, the oldest first. */
export function releases(): Release[] {
  const versions = globSync("*/written.json", { cwd: import.meta.dirname })
    .map((path) => path.replace(/[\\/].*/, ""))
    .sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  return versions.map((version) => {
    const read = (name: string) => readFileSync(join(import.meta.dirname, version, name));
    return {
      version,
      stateFile: join(import.meta.dirname, version, "state.tar.gz"),
      written: JSON.parse(read("written.json").toString()),
      script: gunzipSync(read("worker.js.gz")).toString(),
      wranglerToml: read("wrangler.toml").toString(),
    };
  });
}
