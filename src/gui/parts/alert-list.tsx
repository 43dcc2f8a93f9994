import type { DeliveryState } from "../../domain/alert.ts";
import type { AlertRow } from "../../storage/alert-log.ts";
import type { AlertAnswer } from "../../storage/schema.ts";
import { Ago, Exact, Message, ServiceName } from "./elements.tsx";

const SIGNS: Record<DeliveryState, string> = { pending: "…", delivered: "✔", failed: "✖", dropped: "–" };

/** What is meant by a state, for who hovers over it. */
const MEANINGS: Record<DeliveryState, string> = {
  pending: "not delivered yet: it is tried again",
  delivered: "the provider took it",
  failed: "given up",
  dropped: "no longer true before it could be delivered, or alerts are switched off",
};

interface AlertListProps {
  alerts: readonly AlertRow[];
  answers: ReadonlyMap<string, readonly AlertAnswer[]>;
  now: number;
  timeZone: string;
  /** Whether it is said whose alerts these are. */
  hasServices: boolean;
  /** Whether something can be done about them. */
  isAdmin: boolean;
}

/** Alerts with every attempt to deliver them. */
export function AlertList({ alerts, answers, now, timeZone, hasServices, isAdmin }: AlertListProps) {
  if (alerts.length === 0) return <p class="empty">No alerts.</p>;
  return (
    <ol class="alerts">
      {alerts.map((alert) => (
        <li class={`alert ${alert.state}`} id={`alert-${alert.id}`}>
          <span class={`delivery ${alert.state}`} title={MEANINGS[alert.state]}>
            <span class="sign" aria-hidden="true">
              {SIGNS[alert.state]}
            </span>{" "}
            {alert.state}
          </span>
          <div class="what">
            <strong>
              <bdi>{alert.title}</bdi>
            </strong>
            <Message text={alert.message} />
          </div>
          <div class="facts">
            {hasServices && <ServiceName name={alert.service} />}
            <span class="target">
              <span class="tag">{alert.alertType}</span> <bdi>{alert.alertTarget}</bdi>
            </span>
            <Ago date={alert.date} now={now} timeZone={timeZone} />
          </div>
          <Attempts alert={alert} answers={answers.get(alert.id) ?? []} timeZone={timeZone} />
          {isAdmin && alert.state === "failed" && (
            <form method="post" action="/gui/alerts">
              <input type="hidden" name="id" value={alert.id} />
              <button type="submit">Send again</button>
            </form>
          )}
        </li>
      ))}
    </ol>
  );
}

function Attempts({
  alert: { attempts, nextAttempt },
  answers,
  timeZone,
}: {
  alert: AlertRow;
  answers: readonly AlertAnswer[];
  timeZone: string;
}) {
  if (attempts === 0) return <p class="attempts">Not tried yet.</p>;
  return (
    <details class="attempts">
      <summary>
        {attempts === 1 ? "1 attempt" : `${attempts} attempts`}
        {nextAttempt !== null && (
          <>
            , the next at <Exact date={nextAttempt} timeZone={timeZone} />
          </>
        )}
      </summary>
      <ol>
        {answers.map(({ attempt, date, answer }) => (
          <li value={attempt}>
            <Exact date={date} timeZone={timeZone} /> <bdi>{answer}</bdi>
          </li>
        ))}
      </ol>
      {answers.length < attempts && (
        <p>Of the others no answer is known: they were cut off, or are older than the log.</p>
      )}
    </details>
  );
}
