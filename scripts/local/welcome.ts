import { isIP } from "node:net";
import { originOf, type Reach } from "./reach.ts";
import type { WorkerVariables } from "./settings.ts";

/** What the service's user has to know once it is ready. */
export interface Welcome {
  version: string;
  reach: Reach;
  password: string;
  stateDir: string;
  /** Undefined where a provider is configured. */
  inboxUrl: string | undefined;
  worker: WorkerVariables;
}

const NEXT_IN_SECONDS = 10;
const DEFAULT_GRACE_SECONDS = 5;

/** The text that `npm start` prints when it is ready: where everything is, and a line to try it with. */
export function welcomeText({ version, reach, password, stateDir, inboxUrl, worker }: Welcome): string {
  const address = originOf(reach);
  const target = exampleTarget(worker);
  const pulse = JSON.stringify({ service: "demo", ...target, nextIn: NEXT_IN_SECONDS });
  return [
    "",
    `watchTower ${version} is ready.`,
    "",
    `  address   ${address}`,
    `  password  ${password}`,
    `  state     ${stateDir}`,
    ...(reach.certFile === undefined ? [] : [`  TLS       ${reach.certFile}`]),
    ...(inboxUrl === undefined ? [] : [`  inbox     ${inboxUrl} (alerts appear here until you configure a provider)`]),
    "",
    `Try it: a service that promises to pulse again within ${NEXT_IN_SECONDS} seconds, and then doesn't.`,
    ...(target === undefined ? [] : ["Put your own alertTarget in."]),
    "",
    `  curl ${[`${address}/heartbeat`, ...trust(reach), "-H", quoted(`password: ${password}`), "-d", quoted(pulse)].join(" ")}`,
    "",
    whatHappens(worker, inboxUrl),
    "",
  ].join("\n");
}

/** What lets curl trust the certificate, and find its name at this machine wherever it leads otherwise. */
function trust({ certFile, name, host, port }: Reach): string[] {
  if (certFile === undefined) return [];
  const resolve = name !== host && isIP(host) ? ["--resolve", `${name}:${port}:${host}`] : [];
  return ["--cacert", quoted(certFile), ...resolve];
}

/** What a pulse has to name where there is no default target. */
function exampleTarget(worker: WorkerVariables): { alertType: string; alertTarget: string } | undefined {
  if (worker.DEFAULT_ALERT_TYPE && worker.DEFAULT_ALERT_TARGET) return undefined;
  if (worker.PUSHOVER_TOKEN) return { alertType: "pushover", alertTarget: "YOUR_USER_KEY" };
  return { alertType: "mail", alertTarget: "you@example.com" };
}

function whatHappens(worker: WorkerVariables, inboxUrl: string | undefined): string {
  const grace = Number(worker.GRACE_SECONDS ?? DEFAULT_GRACE_SECONDS);
  const seconds = NEXT_IN_SECONDS + (Number.isNaN(grace) ? DEFAULT_GRACE_SECONDS : grace);
  if (worker.ALERTS_ENABLED === "false") return `It is dead ${seconds} seconds later, but ALERTS_ENABLED is false.`;
  return `Its alert ${inboxUrl === undefined ? "is sent" : "appears here"} ${seconds} seconds later.`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
