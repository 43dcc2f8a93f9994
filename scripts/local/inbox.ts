import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { printable } from "./terminal.ts";

/** An alert, as the inbox shows it. */
export interface InboxAlert {
  title: string;
  message: string;
  /** RFC 3339; the time of arrival where the sender did not say. */
  date: string;
}

/** A place for alerts on this machine, for those who have not configured a provider yet. */
export interface Inbox {
  /** Where alerts are to be posted. */
  url: string;
  close(): void;
}

// A webhook's body is a few KiB, an event's message at most 64 KiB.
const LONGEST_BODY = 1_048_576;

/** Where a state folder says on which port its inbox listens: services have its address as their target. */
export const INBOX_PORT = "inbox-port";

/**
 * Starts the inbox on loopback and hands on each alert that arrives. It listens where it did the last time with this
 * state folder, because alerts that are not delivered yet point there.
 */
export async function startInbox(stateDir: string, take: (alert: InboxAlert) => void): Promise<Inbox> {
  const server = createServer(async (request, response) => {
    try {
      response.writeHead(await receive(request, take)).end();
    } catch {
      // The sender went away: there is nobody to answer.
      response.destroy();
    }
  });
  const portFile = join(stateDir, INBOX_PORT);
  const port = await listen(server, readPort(portFile)).catch(() => listen(server, 0));
  writeFileSync(portFile, `${port}\n`);
  return {
    url: `http://127.0.0.1:${port}/inbox`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Takes a request and returns the status to answer with. */
async function receive(request: IncomingMessage, take: (alert: InboxAlert) => void): Promise<number> {
  if (request.url !== "/inbox") return 404;
  if (request.method !== "POST") return 405;
  let body = "";
  // Read to its end even where it is too long: a connection with a rest in it serves no further request.
  for await (const chunk of request.setEncoding("utf8")) if (body.length <= LONGEST_BODY) body += chunk;
  if (body.length > LONGEST_BODY) return 413;
  const alert = readAlert(body);
  if (alert === undefined) return 400;
  take(alert);
  return 200;
}

/** An alert for human eyes. */
export function alertText({ title, message, date }: InboxAlert): string {
  const time = `${date.slice(0, 19).replace("T", " ")} UTC`;
  const lines = [`ALERT  ${time}`, ...[title, ...message.split("\n")].map((line) => `       ${line}`)];
  return `\n${printable(lines.join("\n")).trimEnd()}\n`;
}

/** Undefined where a body is no alert. */
function readAlert(body: string): InboxAlert | undefined {
  const alert = parseObject(body);
  if (typeof alert?.title !== "string") return undefined;
  const time = typeof alert.date === "string" ? Date.parse(alert.date) : Number.NaN;
  return {
    title: alert.title,
    message: typeof alert.message === "string" ? alert.message : "",
    date: new Date(Number.isNaN(time) ? Date.now() : time).toISOString(),
  };
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function readPort(file: string): number {
  try {
    const port = Number(readFileSync(file, "utf8"));
    return Number.isInteger(port) && port > 0 && port <= 65_535 ? port : 0;
  } catch {
    return 0;
  }
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}
