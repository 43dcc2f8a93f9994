import type { AlertFilter, Client, EventFilter, PulseOptions } from "../../src/index.ts";

// biome-ignore lint/suspicious/noExplicitAny: arguments come from the contract's JSON.
type Args = any;

const CALLS: Record<string, (client: Client, args: Args) => unknown> = {
  pulse: (client, { service, ...said }) => client.pulse(service, said as PulseOptions & { nextIn: number }),
  cancel: (client, { service, ...options }) => client.cancel(service, options),
  heartbeats: (client) => client.heartbeats(),
  heartbeat: (client, { service }) => client.heartbeat(service),
  event: (client, { service, message, level, ...options }) => client.event(service, message, level, options),
  events: (client, filter) => all(client.events(filter as EventFilter)),
  alerts: (client, filter) => all(client.alerts(filter as AlertFilter)),
  hello: (client) => client.hello(),
};

/** Makes a call of the contract; what an iterator gives is gathered, and nothing is null. */
export async function callOf(client: Client, call: string, args: Args): Promise<unknown> {
  const run = CALLS[call];
  if (!run) throw new Error(`The contract has an unknown call: ${call}`);
  return (await run(client, args)) ?? null;
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}
