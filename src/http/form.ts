import { AppError } from "../domain/errors.ts";
import { MOST_PARAMETERS } from "../domain/limits.ts";

/**
 * Reads `a=1&b=2`, which a form's body and a query both are. Bytes that are not UTF-8 are refused, where a browser would
 * replace them; so is a name that is given twice, of which one reader would take the first and another the last. What is
 * left empty was not given.
 * @param repeatable the one name that may be given several times, and is left out of what is returned
 */
export function readForm(text: string, repeatable?: string): Record<string, unknown> {
  const fields: Record<string, unknown> = Object.create(null);
  const seen = new Set<string>();
  for (const [name, value] of readPairs(text)) {
    if (name === repeatable) continue;
    if (seen.has(name)) throw new AppError("invalid_input", `${shown(name)} must be given only once.`);
    seen.add(name);
    if (value !== "") fields[name] = value;
  }
  return fields;
}

/** The names and values of `a=1&b=2`, in their order. */
export function readPairs(text: string): [name: string, value: string][] {
  const parts = text.split("&", MOST_PARAMETERS + 1);
  if (parts.length > MOST_PARAMETERS) {
    throw new AppError("invalid_input", `There must not be more than ${MOST_PARAMETERS} parameters or fields.`);
  }
  return parts.flatMap((part) => {
    const end = part.indexOf("=");
    return end > 0 ? [[decode(part.slice(0, end)), decode(part.slice(end + 1), part.slice(0, end))]] : [];
  });
}

function decode(text: string, name = ""): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw new AppError("invalid_input", `${shown(name)} must be percent-encoded UTF-8.`);
  }
}

/** A name in a hint; one that is none of ours is not repeated. */
function shown(name: string): string {
  return /^[a-z]\w{0,29}$/i.test(name) ? name : "A field";
}
