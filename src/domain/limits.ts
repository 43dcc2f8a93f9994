/** The longest promise, in seconds: 366 days. */
export const LONGEST_NEXT_IN_SECONDS = 31_622_400;
/** The largest grace, in seconds: a day. */
export const LONGEST_GRACE_SECONDS = 86_400;
/** The shortest time between two reminders, in seconds. */
export const SHORTEST_REMINDER_SECONDS = 60;
/** How far ahead a pause may end, in seconds: 30 days. */
export const LONGEST_PAUSE_SECONDS = 2_592_000;
/** A service has one main target, and at most so many further ones. */
export const MOST_FURTHER_TARGETS = 10;
/** What a target may have at most: mail addresses of a whole team, or a long URL. */
export const MOST_TARGET_CHARACTERS = 2_000;
/** An object's name is lost beyond 1,024 bytes; so many code points have at most 800. */
export const MOST_NAME_CHARACTERS = 200;
/** The longest message of an event, in bytes of UTF-8. */
export const MOST_MESSAGE_BYTES = 65_536;
/** A body may have 512 KiB. */
export const MOST_BODY_BYTES = 512 * 1024;
/** A batch of events may have 1 MiB, and so many events. */
export const MOST_BATCH_BYTES = 1024 * 1024;
export const MOST_BATCH_EVENTS = 1_000;
/** Each event with an alert takes a message, and a dozen rows of its service's object. */
export const MOST_BATCH_ALERTS = 50;
/** How old an event may be when it comes, in seconds: 30 days. */
export const OLDEST_EVENT_SECONDS = 2_592_000;
/** How far ahead its date may be, in seconds, since clocks differ. */
export const CLOCK_SLACK_SECONDS = 600;
/** The fields of an event: how many, how long their names, and what all of it may have as JSON. */
export const MOST_FIELDS = 32;
export const MOST_FIELD_NAME_CHARACTERS = 100;
export const MOST_FIELDS_BYTES = 8 * 1024;
/** How many parameters a query may have, and how many fields a form: no route takes as many, and each costs time. */
export const MOST_PARAMETERS = 100;
/** The most rows of a page, and how many it has where nobody says. */
export const PAGE_LIMITS = { most: 10_000, events: 1_000, alerts: 100 };
/** The most buckets of a histogram, and how many it has at most where nobody says. */
export const BUCKET_LIMITS = { most: 200, usual: 60 };
