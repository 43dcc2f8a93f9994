import { expect } from "vitest";
import { call } from "./client.ts";

/** A new pulse key of a service. */
export async function issue(service: string, maxNextIn = 60): Promise<string> {
  const { status, body } = await call("POST", "/key", { body: { service, maxNextIn } });
  expect(status, JSON.stringify(body)).toBe(200);
  return body.key;
}

/** Pulses by a key; within a minute, unless told otherwise. */
export function pulse(key: string, fields: { service: string } & Record<string, unknown>) {
  return call("POST", "/", { body: { nextIn: 60, ...fields }, headers: { password: key } });
}
