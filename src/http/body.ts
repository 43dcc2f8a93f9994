import { AppError } from "../domain/errors.ts";
import { MOST_BODY_BYTES } from "../domain/limits.ts";
import { readForm } from "./form.ts";
import { gunzip } from "./gunzip.ts";

/**
 * Reads a body as an object: JSON whatever the content type says (the original did so, and `curl -d` claims a form), or
 * a form where it is one.
 */
export async function readFields(request: Request): Promise<Record<string, unknown>> {
  const text = await readText(request, MOST_BODY_BYTES);
  const type = request.headers.get("content-type")?.toLowerCase() ?? "";
  const isForm = type.startsWith("application/x-www-form-urlencoded");
  if (isForm && !/^\s*[[{"]/.test(text) && text.includes("=")) return readForm(text);
  return jsonFields(text);
}

function jsonFields(text: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new AppError(
      "invalid_input",
      text.trim() === ""
        ? "The body is empty; it must be a JSON object."
        : "The body must be a JSON object; it is not valid JSON.",
    );
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw new AppError("invalid_input", "The body must be a JSON object.");
  }
  return parsed as Record<string, unknown>;
}

/** Reads the body's text; stops as soon as it has more than `most` bytes. */
export async function readText(request: Request, most = MOST_BODY_BYTES): Promise<string> {
  const text = textOf(await readBytes(request, most));
  if (text === undefined) throw new AppError("invalid_input", "The body must be UTF-8 text.");
  return text;
}

// For whole texts, of which it remembers nothing.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

/** The text that some bytes are; undefined where they are no UTF-8. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Reads the body; stops as soon as it has more than `most` bytes, once it is inflated. */
export async function readBytes(request: Request, most: number): Promise<Uint8Array> {
  const isGzip = isCompressed(request);
  const length = request.headers.get("content-length");
  if (Number(length) > most) throw tooLarge(most);
  try {
    // HTTP reads no more than the length that was said, so that this one is bounded. It is the way of almost every
    // pulse, and takes a third of the time of the other.
    if (length !== null && !isGzip) return await allAtOnce(request, most);
    if (!request.body) return new Uint8Array();
    const plain = isGzip ? gunzip(bounded(request.body, most)) : request.body;
    const chunks: Uint8Array[] = [];
    for await (const chunk of bounded(plain, most)) chunks.push(chunk);
    return new Uint8Array(await new Blob(chunks).arrayBuffer());
  } catch (error) {
    // What else goes wrong while a body is read is its sender's doing, who mostly is gone by then.
    throw error instanceof AppError ? error : new AppError("invalid_input", "The body broke off.");
  }
}

async function allAtOnce(request: Request, most: number): Promise<Uint8Array> {
  const bytes = await request.arrayBuffer();
  // Who calls without HTTP between may say any length.
  if (bytes.byteLength > most) throw tooLarge(most);
  return new Uint8Array(bytes);
}

/** Whether the body is compressed by gzip; another encoding is refused. */
export function isCompressed({ headers }: Request): boolean {
  const encoding = headers.get("content-encoding")?.trim().toLowerCase() ?? "";
  if (encoding === "gzip" || encoding === "x-gzip") return true;
  if (encoding === "" || encoding === "identity") return false;
  throw new AppError("invalid_input", "The header content-encoding must be gzip, or be left out.", {
    "Accept-Encoding": "gzip",
  });
}

/** Passes on what is read, and throws where it becomes too much. */
async function* bounded(chunks: AsyncIterable<Uint8Array>, most: number): AsyncGenerator<Uint8Array> {
  let length = 0;
  for await (const chunk of chunks) {
    length += chunk.byteLength;
    if (length > most) throw tooLarge(most);
    yield chunk;
  }
}

function tooLarge(most: number): AppError {
  return new AppError("too_large", `The body must not have more than ${most} bytes.`);
}
