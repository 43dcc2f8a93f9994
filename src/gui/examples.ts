import type { Target } from "../domain/service.ts";
import { formatDuration, SECOND_MS } from "../domain/time.ts";

/** What an example pulses for, and where. */
export interface ExampleOf {
  address: string;
  service: string;
  nextIn: number;
  /** Who is told; undefined for the default target. */
  target?: Target | undefined;
}

/** How a program pulses, in words and in code to copy. */
export interface Example {
  id: string;
  name: string;
  says: string;
  code: string;
}

/** Examples that work as they are, with the password in the environment variable WATCHTOWER_PASSWORD. */
export function examplesOf(of: ExampleOf): Example[] {
  return [
    { id: "curl", name: "curl", says: "One pulse:", code: curlExample(of) },
    { id: "python", name: "Python", says: "With the client, in the background:", code: pythonExample(of) },
    { id: "javascript", name: "JavaScript", says: "With the client, in the background:", code: javascriptExample(of) },
    { id: "java", name: "Java", says: "With the client, in the background:", code: javaExample(of) },
    {
      id: "crontab",
      name: "crontab",
      says: "After a job that runs once a day, and succeeded: it promises the next within 25 hours. WATCHTOWER_PASSWORD is set at the top of the crontab:",
      code: crontabExample(of),
    },
    {
      id: "systemd",
      name: "systemd",
      says: `In the [Service] part of a oneshot unit, whose timer starts it again within ${formatDuration(of.nextIn * SECOND_MS)}, with WATCHTOWER_PASSWORD in /etc/watchtower:`,
      code: systemdExample(of),
    },
  ];
}

/** One pulse by curl. */
export function curlExample(of: ExampleOf): string {
  return `curl -fsS ${shellText(`${of.address}/heartbeat`)} -H "password: $WATCHTOWER_PASSWORD" -d ${shellText(bodyOf(of))}`;
}

function bodyOf({ service, nextIn, target }: ExampleOf): string {
  return JSON.stringify({ service, nextIn, ...(target && { alertType: target.type, alertTarget: target.target }) });
}

/** In single quotes a shell takes everything as it is, but for those themselves. */
function shellText(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A day, and an hour for a job that takes longer than the day before. */
const DAILY_SECONDS = 90_000;

/** In cron's table a % ends the command. */
function crontabExample(of: ExampleOf): string {
  return `0 3 * * *  /usr/local/bin/job && ${curlExample({ ...of, nextIn: DAILY_SECONDS }).replaceAll("%", "\\%")}`;
}

/** systemd has quotes, variables and specifiers of its own. */
function systemdExample(of: ExampleOf): string {
  const quoted = (text: string) =>
    `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("%", "%%").replaceAll("$", "$$$$")}"`;
  return [
    "EnvironmentFile=/etc/watchtower",
    `ExecStartPost=/usr/bin/curl -fsS ${quoted(`${of.address}/heartbeat`)} -H "password: \${WATCHTOWER_PASSWORD}" -d ${quoted(bodyOf(of))}`,
  ].join("\n");
}

/** How often a pulse in the background comes, in seconds, so that one may be lost or late. */
function intervalOf({ nextIn }: ExampleOf): number {
  return Math.max(1, Math.floor(nextIn / 1.7));
}

function pythonExample(of: ExampleOf): string {
  const { address, service, nextIn, target } = of;
  const alert = target ? `, alert_type=${literal(target.type)}, alert_target=${literal(target.target)}` : "";
  return `import os
from watchtower_client import Client, Pulser

client = Client(${literal(address)}, os.environ["WATCHTOWER_PASSWORD"])
with Pulser(client, ${literal(service)}, ${intervalOf(of)}, next_in=${nextIn}${alert}):
    work()`;
}

function javascriptExample(of: ExampleOf): string {
  const { address, service, nextIn, target } = of;
  const alert = target ? `, alertType: ${literal(target.type)}, alertTarget: ${literal(target.target)}` : "";
  return `import { Client, Pulser } from "watchtower-client";

const client = new Client(${literal(address)}, process.env.WATCHTOWER_PASSWORD);
new Pulser(client, ${literal(service)}, { interval: ${intervalOf(of)}, nextIn: ${nextIn}${alert} }).start();`;
}

function javaExample(of: ExampleOf): string {
  const { address, service, nextIn, target } = of;
  const alert = target ? `.alert(${literal(target.type)}, ${literal(target.target)})` : "";
  return `import io.github.lucasmouilleron.watchtower.*;

Client client = new Client(${literal(address)}, System.getenv("WATCHTOWER_PASSWORD"));
Pulse pulse = Pulse.of(${literal(service)}, ${nextIn})${alert};
Pulser.builder(client, ${literal(service)}, ${intervalOf(of)}).pulse(pulse).start();`;
}

/** A text as all three languages write it: in double quotes, with everything but plain ASCII escaped. */
function literal(text: string): string {
  return JSON.stringify(text).replace(
    /[^ -~]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
