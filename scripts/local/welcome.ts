import type { WorkerVariables } from "./settings.ts";

/** What the service's user has to know once it is ready. */
export interface Welcome {
  address: string;
  password: string;
  stateDir: string;
  /** Undefined where a provider is configured. */
  inboxUrl: string | undefined;
  worker: WorkerVariables;
}

const NEXT_IN_SECONDS = 10;
const DEFAULT_GRACE_SECONDS = 5;

/** The text that `npm start` prints when it is ready: where everything is, and a line to try it with. */
export function welcomeText({ address, password, stateDir, inboxUrl, worker }: Welcome): string {
  const target = exampleTarget(worker);
  const pulse = JSON.stringify({ service: "demo", ...target, nextIn: NEXT_IN_SECONDS });
  return [
    "",
    "watchTower is ready.",
    "",
    `  address   ${address}`,
    `  password  ${password}`,
    `  state     ${stateDir}`,
    ...(inboxUrl === undefined ? [] : [`  inbox     ${inboxUrl} (alerts appear here until you configure a provider)`]),
    "",
    `Try it: a service that promises to pulse again within ${NEXT_IN_SECONDS} seconds, and then doesn't.`,
    ...(target === undefined ? [] : ["Put your own alertTarget in."]),
    "",
    `  curl ${address}/heartbeat -H ${quoted(`password: ${password}`)} -d ${quoted(pulse)}`,
    "",
    whatHappens(worker, inboxUrl),
    "",
  ].join("\n");
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
