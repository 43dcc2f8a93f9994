import type { Snapshot } from "../../domain/snapshot.ts";
import { formatDuration, SECOND_MS } from "../../domain/time.ts";
import { pathOfService } from "../../paths.ts";
import { PAUSES } from "../schemas.ts";

/** What can be done about a service. */
export function Actions({ service, now }: { service: Snapshot; now: number }) {
  const { service: name, status, pauseUntil } = service;
  const path = pathOfService(name);
  const isWatched = status !== "cancelled";
  const isPaused = pauseUntil !== undefined && pauseUntil > now;
  return (
    <section class="actions" aria-label="Actions">
      <form method="post" action={path}>
        <button type="submit" name="action" value="test">
          Send a test alert
        </button>
      </form>
      {isWatched && (
        <form method="post" action={path}>
          <label>
            Keep alerts back for{" "}
            <select name="minutes">
              {PAUSES.filter((minutes) => minutes > 0).map((minutes) => (
                <option value={minutes}>{formatDuration(minutes * 60 * SECOND_MS)}</option>
              ))}
            </select>
          </label>
          <button type="submit" name="action" value="pause">
            Pause
          </button>
        </form>
      )}
      {isWatched && isPaused && (
        <form method="post" action={path}>
          <input type="hidden" name="minutes" value="0" />
          <button type="submit" name="action" value="pause">
            End the pause
          </button>
        </form>
      )}
      {isWatched && (
        <form method="post" action={path}>
          <button type="submit" name="action" value="cancel">
            Cancel
          </button>
        </form>
      )}
      <details>
        <summary>Forget…</summary>
        <form method="post" action={path}>
          <p>The service disappears from every list. Its events and its history are kept; a pulse makes it anew.</p>
          <button type="submit" class="danger" name="action" value="forget">
            Forget it
          </button>
        </form>
      </details>
    </section>
  );
}
