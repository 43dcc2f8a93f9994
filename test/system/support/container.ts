import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../../..");
/** The folder of the Node that the image has, too. */
const NODE = join(ROOT, "node_modules/node/bin");

/** The last stage of the Dockerfile. */
interface Stage {
  env: Record<string, string>;
  /** What is copied from the project, as source and destination. */
  copies: [from: string, to: string][];
  /** What is run by root. */
  runs: string[];
  user: string;
  healthCommand: string[];
  command: string[];
}

/** Reads what the Dockerfile's last stage says; an instruction that isn't understood here is an error. */
export function readDockerfile(): Stage {
  const text = readFileSync(join(ROOT, "Dockerfile"), "utf8").replaceAll(/^#.*\n/gm, "");
  const [, last = ""] = /.*\nFROM [^\n]*\n(.*)/s.exec(text) ?? [];
  const stage: Stage = { env: {}, copies: [], runs: [], user: "root", healthCommand: [], command: [] };
  for (const line of last.split("\n").filter((line) => line.trim() !== "")) {
    const [, instruction = "", rest = ""] = /^(\w+) (.*)$/.exec(line) ?? [];
    if (instruction === "ENV")
      Object.assign(stage.env, Object.fromEntries(rest.split(" ").map((one) => one.split("="))));
    else if (instruction === "COPY" && rest.startsWith("--from=packages ")) continue;
    else if (instruction === "COPY") {
      const words = rest.split(" ");
      const to = words.pop() ?? "";
      for (const from of words) stage.copies.push([from, to.endsWith("/") ? join(to, from) : to]);
    } else if (instruction === "RUN") stage.runs.push(rest);
    else if (instruction === "USER") stage.user = rest;
    else if (instruction === "HEALTHCHECK") stage.healthCommand = JSON.parse(rest.slice(rest.indexOf("[")));
    else if (instruction === "CMD") stage.command = JSON.parse(rest);
    else if (!["WORKDIR", "VOLUME", "EXPOSE"].includes(instruction)) throw new Error(`What is "${line}"?`);
  }
  return stage;
}

/** The image's /app, made by the Dockerfile's steps, and a folder for its volume. */
export interface Image extends Disposable {
  stage: Stage;
  app: string;
  /** Its /etc. */
  etc: string;
  /** The volume. */
  state: string;
}

/** Makes the image's files. Its packages are those that package-lock.json doesn't mark as for development. */
export function makeImage(): Image {
  const folder = mkdtempSync(join(tmpdir(), "watchtower-image-"));
  const stage = readDockerfile();
  const app = join(folder, "app");
  for (const [from, to] of stage.copies) cpSync(join(ROOT, from), join(app, to), { recursive: true });
  const { packages } = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as {
    packages: Record<string, { dev?: boolean; devOptional?: boolean }>;
  };
  for (const [path, { dev, devOptional }] of Object.entries(packages)) {
    const isNested = path.indexOf("node_modules/", 1) > 0;
    if (path === "" || dev || devOptional || isNested || !isThere(join(ROOT, path))) continue;
    mkdirSync(dirname(join(app, path)), { recursive: true });
    link(join(ROOT, path), join(app, path));
  }
  const state = join(folder, "state");
  const etc = join(folder, "etc");
  mkdirSync(state, { mode: 0o700 });
  // As they are, but below the folder; the owner of the volume is set when it is mounted.
  for (const run of stage.runs.filter((run) => !run.startsWith("install "))) {
    execFileSync("sh", ["-c", run.replaceAll("/etc/", `${etc}/`)], { env: { PATH: `${NODE}:${process.env.PATH}` } });
  }
  return { stage, app, etc, state, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

function isThere(path: string): boolean {
  try {
    return readdirSync(path).length > 0;
  } catch {
    return false;
  }
}

/** Copies a folder, by links where the file system lets us. */
function link(from: string, to: string): void {
  if (spawnSync("cp", ["-al", from, to]).status === 0) return;
  rmSync(to, { recursive: true, force: true });
  execFileSync("cp", ["-a", from, to]);
}

/** The user of the image whose name is `node`. */
const USER_ID = 1_000;

/**
 * The command that runs another one as the container would: a root file system that can't be written to, with nothing
 * but the image's /app, this machine's system folders and /state, and a user who is not root.
 */
export function inContainer({ app, etc, state, stage }: Image, command: string[]): string[] {
  const script = `set -e
    root=$(mktemp -d)
    mount -t tmpfs -o mode=755 none $root
    for folder in usr bin sbin lib lib64; do
      [ -e /$folder ] || continue
      if [ -L /$folder ]; then cp -a /$folder $root/; else mkdir $root/$folder && mount --rbind -o ro /$folder $root/$folder; fi
    done
    mkdir $root/app $root/state $root/node $root/etc $root/proc $root/dev $root/tmp
    mount --bind "$1" $root/app && mount -o remount,bind,ro $root/app
    mount --bind "$2" $root/state && chown ${USER_ID}:${USER_ID} $root/state
    mount --bind "$3" $root/node && mount -o remount,bind,ro $root/node
    mount --bind "$4" $root/etc && mount -o remount,bind,ro $root/etc
    mount --rbind /dev $root/dev
    mount -t proc none $root/proc
    mount -o remount,ro $root
    shift 4
    exec chroot --userspec=${USER_ID}:${USER_ID} $root env -i PATH=/node:/usr/bin:/bin "$@"`;
  const env = Object.entries(stage.env).map(([name, value]) => `${name}=${value}`);
  const inside = ["sh", "-c", `cd /app && exec "$@"`, "sh", ...command];
  return [
    "unshare",
    "--mount",
    "--pid",
    "--fork",
    "--kill-child",
    "sh",
    "-c",
    script,
    "sh",
    app,
    state,
    NODE,
    etc,
    ...env,
    ...inside,
  ];
}

/** Whether this machine lets us make mounts of our own. */
export function canMount(): boolean {
  return process.getuid?.() === 0 && spawnSync("unshare", ["--mount", "--pid", "--fork", "true"]).status === 0;
}
