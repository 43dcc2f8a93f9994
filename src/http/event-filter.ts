import { AppError } from "../domain/errors.ts";
import type { EventFilter } from "../domain/event.ts";
import { MOST_FIELD_NAME_CHARACTERS } from "../domain/limits.ts";
import { MOST_SEARCH_TERMS, parseSearch } from "../domain/search.ts";
import { parseFields, text } from "./fields.ts";
import type { Range } from "./paging.ts";

/** What comes before the name of a field in the name of a parameter. */
const FIELD_PREFIX = "field.";

const FIELD_HINT = `field.NAME must be a string without NUL characters, and have a name of at most ${MOST_FIELD_NAME_CHARACTERS} characters.`;
const fieldText = text(FIELD_HINT);

/** What a query says of the events that are wanted, besides their dates. */
interface Wanted {
  service?: string | undefined;
  level?: number | undefined;
  message?: string | undefined;
  q?: string | undefined;
}

/**
 * The filter that a query asks for.
 * @param given all parameters as they came, among which may be `field.NAME`
 */
export function eventFilterOf(wanted: Wanted, given: Record<string, unknown>, range: Range): EventFilter {
  const { service, level, message, q } = wanted;
  const fields = Object.entries(given)
    .filter(([name]) => name.startsWith(FIELD_PREFIX))
    .map(([name, value]) => {
      const field = parseFields(fieldText, name.slice(FIELD_PREFIX.length));
      if (field === "" || [...field].length > MOST_FIELD_NAME_CHARACTERS)
        throw new AppError("invalid_input", FIELD_HINT);
      return { name: field, value: parseFields(fieldText, value) };
    });
  const search = q === undefined ? undefined : parseSearch(q);
  if (fields.length + (search?.flat().length ?? 0) > MOST_SEARCH_TERMS) {
    throw new AppError(
      "invalid_input",
      `q and field.NAME must not have more than ${MOST_SEARCH_TERMS} terms together.`,
    );
  }
  return {
    ...range,
    ...(service !== undefined && { service }),
    ...(level !== undefined && { level }),
    ...(message !== undefined && { message }),
    ...(fields.length > 0 && { fields }),
    ...(search !== undefined && { search }),
  };
}
