import { CloudflareApi } from "./cloudflare-api.ts";
import { Project } from "./project.ts";

/** A test body that gets a stub and a copy of the project of its own, and leaves nothing behind. */
export function onStub(run: (api: CloudflareApi, project: Project) => Promise<void>) {
  return async () => {
    const api = new CloudflareApi();
    const project = new Project();
    try {
      await api.start();
      await run(api, project);
    } finally {
      await api.stop();
      project.remove();
    }
  };
}
