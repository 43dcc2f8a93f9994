import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { build, stop } from "esbuild";

const ROOT = resolve(import.meta.dirname, "..");
const SOURCE = join(ROOT, "src/gui");
const ASSETS_DIR = join(ROOT, "public/gui/assets");

/** Makes the web interface's static assets, by their names: each has its content's hash, so it can be kept for good. */
async function makeAssets(): Promise<{ files: Map<string, string>; manifest: string }> {
  const bundles = {
    style: { path: "style.css", text: await bundle("style.css") },
    script: { path: "script.js", text: await bundle("browser/main.ts") },
    icon: { path: "icon.svg", text: readFileSync(join(SOURCE, "icon.svg"), "utf8") },
    iconDead: { path: "icon-dead.svg", text: readFileSync(join(SOURCE, "icon-dead.svg"), "utf8") },
  };
  const files = new Map<string, string>();
  const lines: string[] = [];
  for (const [name, { path, text }] of Object.entries(bundles)) {
    const hash = createHash("sha256").update(text).digest("hex").slice(0, 10);
    const hashed = path.replace(".", `-${hash}.`);
    files.set(hashed, text);
    lines.push(`  ${name}: "/gui/assets/${hashed}",`);
  }
  return {
    files,
    manifest: `/** The static assets of the web interface; made by \`npm run gui\`. */\nexport const ASSETS = {\n${lines.join("\n")}\n} as const;\n`,
  };
}

async function bundle(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(SOURCE, entry)],
    bundle: true,
    write: false,
    minify: true,
    format: "esm",
    // Browsers of the last two and a half years: light-dark(), nesting.
    target: ["chrome123", "firefox121", "safari17.5"],
    legalComments: "none",
  });
  return outputFiles[0]?.text ?? "";
}

function readAll(): Map<string, string> {
  try {
    return new Map(readdirSync(ASSETS_DIR).map((name) => [name, readFileSync(join(ASSETS_DIR, name), "utf8")]));
  } catch {
    return new Map();
  }
}

const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });
const { files, manifest } = await makeAssets();
await stop();
const manifestPath = join(SOURCE, "assets.ts");
if (values.check) {
  const found = readAll();
  const isSame = found.size === files.size && [...files].every(([name, text]) => found.get(name) === text);
  if (!isSame || readFileSync(manifestPath, "utf8") !== manifest) {
    console.error('The web interface\'s assets are out of date: run "npm run gui".');
    process.exitCode = 1;
  }
} else {
  rmSync(ASSETS_DIR, { recursive: true, force: true });
  mkdirSync(ASSETS_DIR, { recursive: true });
  for (const [name, text] of files) writeFileSync(join(ASSETS_DIR, name), text);
  writeFileSync(manifestPath, manifest);
}
