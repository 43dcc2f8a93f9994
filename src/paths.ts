/*
 * Where the web interface has its pages; alerts lead there, too.
 */

/** The path of a service's page. */
export function pathOfService(name: string): string {
  // A browser would take these two for steps in the path, however they are written.
  if (name === "." || name === "..") return `/gui/services?service=${name}`;
  return `/gui/services/${encodeURIComponent(name)}`;
}

/** The path of the events of a service, of the last week. */
export function pathOfEvents(service: string): string {
  return `/gui/events?${new URLSearchParams({ service, since: "604800" })}`;
}
