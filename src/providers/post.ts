import type { Config } from "../config.ts";
import { countDown } from "../countdown.ts";
import type { Message } from "../domain/digest.ts";
import type { Outcome } from "../domain/retry.ts";
import { SECOND_MS } from "../domain/time.ts";
import { errorText } from "../log.ts";
import type { Provider, ProviderAnswer } from "./provider.ts";
import { redact } from "./redact.ts";
import { cutText } from "./text.ts";

/** How long a provider may take for its whole answer, body included. */
const TIMEOUT_MS = 10 * SECOND_MS;
const LATE = `no answer within ${TIMEOUT_MS / SECOND_MS} s`;
const MOST_BODY_BYTES = 16 * 1024;
/** How much of an answer is kept for people, in characters. */
const MOST_SHOWN = 200;

/** Makes one attempt to deliver a message. Never throws: whatever goes wrong is an outcome. */
export async function deliver(provider: Provider, message: Message, target: string, config: Config): Promise<Outcome> {
  // Not AbortSignal.timeout: its timer can't be cleared, and would keep the object awake, and billed, after the answer.
  const controller = new AbortController();
  const stop = countDown(TIMEOUT_MS, () => controller.abort(new Error(LATE)));
  try {
    const request = await provider.request(message, target, config);
    if ("kind" in request) return request;
    const response = await fetch(request.url, {
      method: "POST",
      headers: request.headers,
      body: request.body,
      redirect: "manual",
      signal: controller.signal,
    });
    const { status, headers } = response;
    return provider.classify({ status, headers, body: redact(await readBody(response), config, target) });
  } catch (error) {
    return { kind: "retry", answer: controller.signal.aborted ? LATE : redact(errorText(error), config, target) };
  } finally {
    stop();
  }
}

/** What most providers mean by their status: only what is theirs alone is left to them. */
export function classifyByStatus(answer: ProviderAnswer): Outcome {
  const said = describe(answer);
  const { status } = answer;
  if (status >= 200 && status < 300) return { kind: "delivered", answer: said };
  if (status === 401 || status === 403) return { kind: "credentials", answer: said };
  if (status >= 500 || status === 408 || status === 425 || status === 429) {
    const retryAfterMs = readRetryAfter(answer.headers, Date.now());
    return { kind: "retry", answer: said, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  }
  return { kind: "permanent", answer: said };
}

/** An answer in one short line, for people. */
function describe(answer: ProviderAnswer): string {
  const start = cutText(answer.body.replace(/\s+/g, " ").trim(), MOST_SHOWN);
  return start ? `HTTP ${answer.status}: ${start}` : `HTTP ${answer.status}`;
}

/** A body as a JSON object; undefined where it is anything else. */
export function jsonObject(body: string): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === "object" && parsed !== null ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** The delay that `Retry-After` asks for, in either of its two forms; undefined where there is none or it makes no sense. */
export function readRetryAfter(headers: Headers, nowMs: number): number | undefined {
  const text = headers.get("retry-after")?.trim();
  if (!text) return undefined;
  if (/^\d+$/.test(text)) return Number(text) * SECOND_MS;
  const dateMs = Date.parse(text);
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - nowMs);
}

/** The body, or nothing of one that breaks off after a success: the status has told that already, and is no lie. */
async function readBody(response: Response): Promise<string> {
  try {
    return await readStart(response);
  } catch (error) {
    if (response.ok) return "";
    throw error;
  }
}

/** Reads what matters of a body and lets go of the rest, so that the connection is freed. */
async function readStart(response: Response): Promise<string> {
  if (!response.body) return "";
  const reader = response.body.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  while (length < MOST_BODY_BYTES) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    length += value.byteLength;
  }
  await reader.cancel();
  return new TextDecoder().decode(concatenate(chunks, length));
}

function concatenate(chunks: Uint8Array[], length: number): Uint8Array {
  const all = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    all.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return all;
}
