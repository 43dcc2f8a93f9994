import { dateMs, type Event } from "../../domain/event.ts";
import { toSeconds } from "../../domain/time.ts";
import { classOfLevel, Exact, Level, Message, ServiceName } from "./elements.tsx";
import { Fields } from "./event-fields.tsx";

interface EventListProps {
  events: readonly Event[];
  timeZone: string;
  /** Where a click on a level, a service or a field leads; undefined for nowhere, and for the service's page. */
  linkOf: (wanted: { level: number } | { service: string } | { term: string }) => string | undefined;
  hasServices: boolean;
}

/** Events, one row each. */
export function EventList(props: EventListProps) {
  return (
    <ol class="events" data-events="">
      {props.events.map((event) => (
        <EventRow event={event} {...props} />
      ))}
    </ol>
  );
}

/** One event. */
export function EventRow({ event, timeZone, linkOf, hasServices }: { event: Event } & Omit<EventListProps, "events">) {
  const { id, service, level, message, fields } = event;
  const levelLink = linkOf({ level });
  const serviceLink = linkOf({ service });
  return (
    <li class={`event ${classOfLevel(level)}`} id={`event-${id}`}>
      <Exact date={toSeconds(dateMs(event))} timeZone={timeZone} />
      <Level level={level} {...(levelLink === undefined ? {} : { href: levelLink })} />
      {hasServices && <ServiceName name={service} {...(serviceLink === undefined ? {} : { href: serviceLink })} />}
      <Message text={message} />
      {fields !== undefined && <Fields fields={fields} linkOf={(term) => linkOf({ term })} />}
    </li>
  );
}
