import { Agent, request } from "node:http";
import type { HeartBeat } from "./observed.ts";

/** An answer, or why there is none: `unsent` where nobody listened, so that nothing can have happened. */
export type Answer = { status: number; body: Record<string, unknown> } | "unsent" | "lost";

const TIMEOUT_MS = 30_000;

/** Speaks to watchTower as its clients do, and tells what it was answered without throwing. */
export class Client {
  readonly #port: number;
  readonly #password: string;
  readonly #agent: Agent;

  constructor(port: number, password: string, connections = 24) {
    this.#port = port;
    this.#password = password;
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  pulse(service: string, fields: { nextIn: number; grace: number; urls: readonly string[] }): Promise<Answer> {
    const [alertTarget, ...further] = fields.urls;
    return this.send("POST", "/", {
      service,
      nextIn: fields.nextIn,
      grace: fields.grace,
      alertType: "webhook",
      alertTarget,
      alerts: further.map((target) => ({ type: "webhook", target })),
    });
  }

  cancel(service: string, forget: boolean): Promise<Answer> {
    return this.send("DELETE", "/", { service, forget });
  }

  /** The service; null where there is none. */
  async heartBeat(service: string): Promise<HeartBeat | null> {
    const answer = await this.send("GET", `/heartbeat?service=${encodeURIComponent(service)}`);
    if (typeof answer === "string") throw new Error(`No answer about ${service}`);
    if (answer.status === 404) return null;
    if (answer.status !== 200) throw new Error(`HTTP ${answer.status} about ${service}`);
    return answer.body.heartBeat as HeartBeat;
  }

  send(method: string, path: string, fields?: unknown): Promise<Answer> {
    const body = fields === undefined ? undefined : JSON.stringify(fields);
    const headers: Record<string, string> = { password: this.#password };
    // Node sends no body with a DELETE whose length is not said.
    if (body !== undefined) headers["content-length"] = String(Buffer.byteLength(body));
    return new Promise((resolve) => {
      const outgoing = request(
        { host: "127.0.0.1", port: this.#port, method, path, agent: this.#agent, headers },
        (response) => {
          let text = "";
          response.setEncoding("utf8");
          response.on("data", (chunk: string) => {
            text += chunk;
          });
          response.on("error", () => resolve("lost"));
          response.on("close", () => resolve("lost"));
          response.on("end", () => {
            try {
              resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as Record<string, unknown> });
            } catch {
              resolve("lost");
            }
          });
        },
      );
      outgoing.setTimeout(TIMEOUT_MS, () => outgoing.destroy(new Error("time-out")));
      outgoing.on("error", (error: NodeJS.ErrnoException) =>
        resolve(error.code === "ECONNREFUSED" ? "unsent" : "lost"),
      );
      // Whatever happens to a connection that is cut, this comes last.
      outgoing.on("close", () => resolve("lost"));
      outgoing.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
