import { type Promised, stateOf } from "./deadline.ts";

/** A refresh asks at most so many objects. */
export const MOST_ASKED = 50;
/** And at most so many of those that nobody looks at, each at most once in this time, in seconds. */
const MOST_UNSEEN = 20;
const UNSEEN_SECONDS = 30;
/** What an address may have at most is about 16 KB. */
const LONGEST_NAMES = 6_000;

/** A service in the list. */
export interface Listed extends Promised {
  service: string;
  isOnScreen: boolean;
  /** Whether it would be shown if it were late, and only then. */
  isAwaited: boolean;
}

/**
 * The services that are to be asked themselves, because their promise has passed by what is known here: those on screen,
 * and of the others those that may be late for longer than a refresh takes, or are thought to be, so that what is counted
 * of them is true, too. A grace that is shorter ends in a death, which is heard of without asking. Who was asked longest
 * ago comes first.
 * @param askedAt when each was asked last, in seconds since the epoch; is kept up to date
 */
export function chooseOverdue(
  services: Iterable<Listed>,
  now: number,
  refreshSeconds: number,
  askedAt: Map<string, number>,
): string[] {
  const knownAt = ({ service, asOf }: Listed) => Math.max(asOf, askedAt.get(service) ?? 0);
  const overdue = [...services]
    .filter(({ status, last, nextIn }) => status === "alive" && last + nextIn < now)
    .sort((a, b) => knownAt(a) - knownAt(b));
  const isLasting = (one: Listed) => one.grace > refreshSeconds || stateOf(one, now) === "late";
  const seen = overdue.filter((one) => one.isOnScreen || (one.isAwaited && isLasting(one)));
  const unseen = overdue
    .filter((one) => !seen.includes(one) && isLasting(one) && now - knownAt(one) >= UNSEEN_SECONDS)
    .slice(0, MOST_UNSEEN);
  const names: string[] = [];
  let length = 0;
  for (const { service } of [...seen.slice(0, MOST_ASKED - unseen.length), ...unseen]) {
    length += encodeURIComponent(service).length;
    if (length > LONGEST_NAMES) break;
    names.push(service);
    askedAt.set(service, now);
  }
  return names;
}
