import type { Rule } from "../../domain/rule.ts";
import { formatDuration, SECOND_MS } from "../../domain/time.ts";
import { queryOf } from "../query.ts";
import { Ago } from "./elements.tsx";

interface RuleListProps {
  /** Rules as the viewer may see them, with what is dubious about their targets. */
  rules: readonly (Rule & { warnings: readonly string[] })[];
  /** When each was last told of, as far as that is known, in seconds since the epoch. */
  lastAlerts: ReadonlyMap<string, number>;
  now: number;
  timeZone: string;
  isAdmin: boolean;
}

/** All rules, with what can be done about them. */
export function RuleList({ rules, lastAlerts, now, timeZone, isAdmin }: RuleListProps) {
  if (rules.length === 0) return <p class="empty">No rules.</p>;
  return (
    <ol class="rules">
      {rules.map((rule) => {
        const last = lastAlerts.get(rule.name);
        return (
          <li class="rule">
            <h2>
              <bdi>{rule.name}</bdi>
            </h2>
            <p>
              <a href={`/gui/events${queryOf({ q: rule.q })}`}>
                <code>
                  <bdi>{rule.q}</bdi>
                </code>
              </a>
            </p>
            <p>{thresholdText(rule)}</p>
            <p class="facts">
              <span class="target">
                <span class="tag">{rule.target.type}</span> <bdi>{rule.target.target}</bdi>
              </span>
              <span>
                {last === undefined ? (
                  "no alert of late"
                ) : (
                  <>
                    last alert <Ago date={last} now={now} timeZone={timeZone} />
                  </>
                )}
              </span>
            </p>
            {rule.warnings.map((warning) => (
              <p class="banner warning">{warning}</p>
            ))}
            {isAdmin && (
              <div class="actions">
                <a href={`/gui/rules${queryOf({ name: rule.name })}#form`} aria-label={`Change ${rule.name}`}>
                  Change
                </a>
                <details>
                  <summary aria-label={`Delete ${rule.name}…`}>Delete…</summary>
                  <form method="post" action="/gui/rules">
                    <input type="hidden" name="name" value={rule.name} />
                    <button type="submit" class="danger" name="action" value="delete">
                      Delete it
                    </button>
                  </form>
                </details>
              </div>
            )}
          </li>
        );
      })}
    </ol>
  );
}

/** When a rule raises an alert, in words. */
export function thresholdText({ count, seconds, quietSeconds }: Pick<Rule, "count" | "seconds" | "quietSeconds">) {
  const events = count === 1 ? "each event" : `${count} events within ${formatDuration(seconds * SECOND_MS)}`;
  return `${events}, then quiet for ${formatDuration(quietSeconds * SECOND_MS)}`;
}
