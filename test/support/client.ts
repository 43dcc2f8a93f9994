import { exports } from "cloudflare:workers";

/** The password that the Worker under test is configured with. */
export const PASSWORD = "correct horse";
/** The password before that. */
export const PASSWORD_PREVIOUS = "battery staple";
/** The password that only reads. */
export const PASSWORD_READ = "only looking";

/** Calls the Worker over HTTP, with the password unless told otherwise. */
export async function call(
  method: string,
  path: string,
  options: { body?: unknown; headers?: Record<string, string>; raw?: BodyInit } = {},
  // biome-ignore lint/suspicious/noExplicitAny: what arrives is looked at, not trusted.
): Promise<{ status: number; headers: Headers; body: any }> {
  const init: RequestInit = { method, headers: { password: PASSWORD, ...options.headers }, redirect: "manual" };
  const body = options.raw ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
  if (body !== undefined) init.body = body;
  const response = await exports.default.fetch(new Request(`https://tower.example${path}`, init));
  const text = await textOf(response);
  const isJson = response.headers.get("content-type")?.startsWith("application/json") ?? false;
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}

/** The text of an answer; of one that goes on and on, how it begins. */
async function textOf(response: Response): Promise<string> {
  const isEndless = response.headers.get("content-type") === "text/event-stream";
  // The runtime complains of text() where a type does not begin with text/.
  if (!isEndless || !response.body) return new TextDecoder().decode(await response.arrayBuffer());
  const reader = response.body.getReader();
  const { value } = await reader.read();
  await reader.cancel();
  return new TextDecoder().decode(value);
}
