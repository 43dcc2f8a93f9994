import { configOf } from "../../config.ts";
import { noticeOfTest } from "../../domain/alert.ts";
import { AppError } from "../../domain/errors.ts";
import type { Outcome } from "../../domain/retry.ts";
import type { Target } from "../../domain/service.ts";
import { ulid } from "../../domain/ulid.ts";
import { readFields } from "../../http/body.ts";
import type { AppContext } from "../../http/context.ts";
import { parseFields } from "../../http/fields.ts";
import { isAdmin, seenTarget } from "../../http/sight.ts";
import { refuseTarget, send } from "../../providers/index.ts";
import { answerPage, problemsOf } from "../parts/layout.tsx";
import { testSchema } from "../schemas.ts";

/** How this watchTower is configured, and a test of any target. */
export function getSetup(c: AppContext): Response | Promise<Response> {
  return setupPage(c, {});
}

/** Sends a test at once, and shows what the provider said: nothing is stored of it. */
export async function postSetup(c: AppContext): Promise<Response> {
  const given = parseFields(testSchema, { type: "", target: "", ...(await readFields(c.req.raw)) });
  const config = configOf(c.env);
  const refusal = refuseTarget(given, config);
  if (refusal) throw new AppError("invalid_input", refusal);
  const nowMs = Date.now();
  const outcome = await send({ id: ulid(nowMs), ...noticeOfTest("watchTower", nowMs) }, given, config);
  return setupPage(c, { given, outcome });
}

interface Tried {
  given?: Target | undefined;
  outcome?: Outcome | undefined;
}

function setupPage(c: AppContext, { given, outcome }: Tried) {
  const config = configOf(c.env);
  const { pushover, mail, webhook } = config;
  const defaultTarget = config.defaultTarget && seenTarget(c, config.defaultTarget);
  const types = [
    {
      type: "pushover",
      lacks: pushover.token ? undefined : "the secret PUSHOVER_TOKEN",
      says: "the target is a user's or a group's key",
    },
    {
      type: "mail",
      lacks:
        mail.apiKey && mail.from
          ? undefined
          : ["MAILCHANNELS_API_KEY", "MAIL_FROM"].filter((_, i) => ![mail.apiKey, mail.from][i]).join(" and "),
      says: "the target is an address, or several with commas between them",
    },
    {
      type: "webhook",
      lacks: undefined,
      says: webhook.secret
        ? "the target is a URL; requests are signed"
        : "the target is a URL; WEBHOOK_SECRET would sign the requests",
    },
  ];
  const settings: [string, string][] = [
    [
      "Default alert",
      defaultTarget ? `${defaultTarget.type} ${defaultTarget.target}` : "none: each pulse has to name its target",
    ],
    ["Alerts", config.alertsEnabled ? "on" : "off"],
    ["Grace of services that set none", `${config.graceSeconds} s`],
    ["Time zone of texts", config.timeZone],
    ["Events are kept for", `${config.eventsRetentionDays} days`],
    ["History and delivery log are kept for", `${config.recordsRetentionDays} days`],
    ["Watchdog", config.watchdogUrl ? "called every ten minutes while everything works" : "none"],
    ["Public address", config.publicUrl ?? "not set: alerts have no link to this interface"],
  ];
  const isWell = problemsOf(c).length === 0;
  return answerPage(c, {
    title: "Set-up · watchTower",
    at: "/gui/setup",
    children: (
      <>
        <h1>Set-up</h1>
        <section class="card">
          <h2>Ways to alert</h2>
          <ul class="types">
            {types.map(({ type, lacks, says }) => (
              <li class={lacks === undefined ? "ready" : "lacking"}>
                <span class="sign" aria-hidden="true">
                  {lacks === undefined ? "✔" : "○"}
                </span>
                <strong>{type}</strong>
                <span>{lacks === undefined ? `ready: ${says}` : `not configured: it lacks ${lacks}`}</span>
              </li>
            ))}
          </ul>
        </section>
        {isAdmin(c) && (
          <Test types={types.map(({ type }) => type)} defaultTarget={defaultTarget} given={given} outcome={outcome} />
        )}
        <section class="card">
          <h2>Configuration</h2>
          {isWell && <p>Nothing is wrong with it.</p>}
          <dl class="settings-list">
            {settings.map(([name, value]) => (
              <>
                <dt>{name}</dt>
                <dd>
                  <bdi>{value}</bdi>
                </dd>
              </>
            ))}
          </dl>
          <p>
            It is changed by variables and secrets of the Worker; <code>npm start</code> takes them from its
            environment.
          </p>
        </section>
      </>
    ),
  });
}

interface TestProps extends Tried {
  types: string[];
  defaultTarget: Target | undefined;
}

/** The form that tries any target, and what came of it. */
function Test({ types, defaultTarget, given, outcome }: TestProps) {
  return (
    <section class="card" id="test">
      <h2>Send a test</h2>
      {given && outcome && <Result given={given} outcome={outcome} />}
      <form class="fields" method="post" action="/gui/setup">
        <label>
          Type
          <select name="type">
            {types.map((type) => (
              <option selected={type === (given?.type ?? defaultTarget?.type)}>{type}</option>
            ))}
          </select>
        </label>
        <label class="wide">
          Target
          <input name="target" required value={given?.target ?? defaultTarget?.target ?? ""} />
        </label>
        <button type="submit" class="main">
          Send a test
        </button>
      </form>
    </section>
  );
}

function Result({ given, outcome }: { given: Target; outcome: Outcome }) {
  const isDelivered = outcome.kind === "delivered";
  return (
    <p class={`banner ${isDelivered ? "done" : "problem"}`} role="status">
      {isDelivered ? "Delivered" : "Not delivered"} to {given.type} <bdi>{given.target}</bdi>:{" "}
      <bdi>{outcome.answer}</bdi>
    </p>
  );
}
