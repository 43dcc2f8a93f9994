import { AppError } from "../domain/errors.ts";
import { MOST_BODY_BYTES } from "../domain/limits.ts";
import { readForm } from "./form.ts";

/**
 * Reads a body as an object: JSON whatever the content type says (the original did so, and `curl -d` claims a form), or
 * a form where it is one.
 */
export async function readFields(request: Request): Promise<Record<string, unknown>> {
  const text = await readText(request);
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

/** Reads the body's text; stops as soon as it is too large, whatever its length was said to be. */
async function readText(request: Request): Promise<string> {
  if (!request.body) return "";
  if (Number(request.headers.get("content-length")) > MOST_BODY_BYTES) throw tooLarge();
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
  const reader = request.body.getReader();
  let length = 0;
  let text = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return text + decoder.decode();
      length += value.byteLength;
      if (length > MOST_BODY_BYTES) throw tooLarge();
      text += decoder.decode(value, { stream: true });
    }
  } catch (error) {
    await reader.cancel();
    if (error instanceof TypeError) throw new AppError("invalid_input", "The body must be UTF-8 text.");
    throw error;
  }
}

function tooLarge(): AppError {
  return new AppError("too_large", `The body must not have more than ${MOST_BODY_BYTES} bytes.`);
}
