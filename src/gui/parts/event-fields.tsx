import type { EventFields } from "../../domain/event.ts";
import { fieldTerm } from "../../domain/search-text.ts";

/** So many are shown at once, and so many characters of a name and of a value. */
const MOST_SHOWN = 8;
const MOST_CHARACTERS = 40;

interface FieldsProps {
  fields: EventFields;
  /** Where a click on a field leads, by its term; undefined for nowhere. */
  linkOf: (term: string) => string | undefined;
}

/** The fields of an event: each leads to the events that have the same. Those that are many or long are folded. */
export function Fields({ fields, linkOf }: FieldsProps) {
  const all = Object.entries(fields);
  const shown = all.slice(0, MOST_SHOWN);
  const isCut = all.length > shown.length || shown.flat().some((text) => startOf(text) !== String(text));
  return (
    <div class="event-fields">
      {shown.map(([name, value]) => {
        const term = fieldTerm(name, value);
        const href = term === undefined ? undefined : linkOf(term);
        const content = (
          <>
            <bdi>{startOf(name)}</bdi>=<bdi class="value">{startOf(value)}</bdi>
          </>
        );
        if (href === undefined) return <span class="field">{content}</span>;
        return (
          <a class="field" href={href}>
            {content}
          </a>
        );
      })}
      {isCut && (
        <details>
          <summary>All fields</summary>
          <dl>
            {all.map(([name, value]) => (
              <>
                <dt>
                  <bdi>{name}</bdi>
                </dt>
                <dd dir="auto">{String(value)}</dd>
              </>
            ))}
          </dl>
        </details>
      )}
    </div>
  );
}

function startOf(value: string | number | boolean): string {
  const text = String(value);
  if (text.length <= MOST_CHARACTERS) return text;
  const characters = [...text];
  return characters.length <= MOST_CHARACTERS ? text : `${characters.slice(0, MOST_CHARACTERS).join("")}…`;
}
