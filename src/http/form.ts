import { AppError } from "../domain/errors.ts";

/**
 * Reads `a=1&b=2`, which a form's body and a query both are. Bytes that are not UTF-8 are refused, where a browser would
 * replace them; what is left empty was not given; of several with one name the last counts, as in JSON.
 */
export function readForm(text: string): Record<string, unknown> {
  const fields: Record<string, unknown> = Object.create(null);
  for (const pair of text.split("&")) {
    const [, name, value] = pair.match(/^([^=]+)=(.+)$/s) ?? [];
    if (name !== undefined && value !== undefined) fields[decode(name)] = decode(value, name);
  }
  return fields;
}

function decode(text: string, name = ""): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw new AppError("invalid_input", `${/^\w{1,30}$/.test(name) ? name : "A field"} must be percent-encoded UTF-8.`);
  }
}
