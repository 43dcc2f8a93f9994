import type { AlertFilter, Client, EventFilter, ExportFilter, PulseOptions, TailFilter } from "../../src/index.ts";

// biome-ignore lint/suspicious/noExplicitAny: arguments come from the contract's JSON.
type Args = any;

const CALLS: Record<string, (client: Client, args: Args, items: unknown[]) => unknown> = {
  pulse: (client, { service, ...said }) => client.pulse(service, said as PulseOptions & { nextIn: number }),
  cancel: (client, { service, ...options }) => client.cancel(service, options),
  heartbeats: (client) => client.heartbeats(),
  heartbeat: (client, { service }) => client.heartbeat(service),
  event: (client, { service, message, level, ...options }) => client.event(service, message, level, options),
  events: (client, filter, items) => all(client.events(filter as EventFilter), items),
  alerts: (client, filter, items) => all(client.alerts(filter as AlertFilter), items),
  hello: (client) => client.hello(),
  sendEvents: (client, { events }) => client.sendEvents(events),
  eventStats: (client, filter) => client.eventStats(filter),
  exportEvents: (client, filter, items) => all(client.exportEvents(filter as ExportFilter), items),
  tail: (client, { lastEventId, ...filter }, items) => all(client.tail(filter as TailFilter, { lastEventId }), items),
  rules: (client) => client.rules(),
  rule: (client, { name }) => client.rule(name),
  putRule: (client, { name, ...rule }) => client.putRule(name, rule),
  deleteRule: (client, { name }) => client.deleteRule(name),
};

/**
 * Makes a call of the contract; nothing is null.
 * @param items gets what an iterator gives, also where it ends with an error
 */
export async function callOf(client: Client, call: string, args: Args, items: unknown[] = []): Promise<unknown> {
  const run = CALLS[call];
  if (!run) throw new Error(`The contract has an unknown call: ${call}`);
  return (await run(client, args, items)) ?? null;
}

async function all<T>(given: AsyncIterable<T>, items: unknown[]): Promise<unknown[]> {
  for await (const item of given) items.push(item);
  return items;
}
