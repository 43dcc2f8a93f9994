import { type BuildFailure, build, formatMessages, stop } from "esbuild";
import { Refusal } from "./refusal.ts";

/** Bundles the Worker into one module, with the settings that wrangler uses. */
export async function bundleWorker(main: string): Promise<string> {
  try {
    const { outputFiles } = await build({
      entryPoints: [main],
      bundle: true,
      write: false,
      format: "esm",
      target: "es2024",
      conditions: ["workerd", "worker", "browser"],
      external: ["cloudflare:*"],
      define: { "process.env.NODE_ENV": '"production"' },
      loader: { ".html": "text", ".sql": "text", ".txt": "text" },
      logLevel: "silent",
    });
    // One entry point and no splitting: exactly one file.
    return outputFiles[0]?.text ?? "";
  } catch (error) {
    const { errors } = error as Partial<BuildFailure>;
    if (errors === undefined) throw error;
    const messages = await formatMessages(errors, { kind: "error", color: process.stderr.isTTY === true });
    throw new Refusal(`The Worker's code can't be bundled:\n\n${messages.join("").trimEnd()}`);
  } finally {
    // Its process would stay until the end.
    await stop();
  }
}
