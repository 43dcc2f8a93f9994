import { execFile } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";

/** Runs the printed curl line in a shell, against a server of ours in place of the printed address. */
export async function paste(stdout: string): Promise<{ password: unknown; body: unknown }> {
  const requests: { password: unknown; body: unknown }[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    requests.push({ password: request.headers.password, body: JSON.parse(body) });
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const line = /^ +(curl .*)$/m.exec(stdout)?.[1] ?? "";
  await promisify(execFile)("sh", ["-c", line.replace(/https:[^']*/, `http://127.0.0.1:${port}`)]);
  server.close();
  if (!requests[0]) throw new Error("the line sent no request");
  return requests[0];
}
