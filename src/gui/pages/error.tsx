import type { AppContext } from "../../http/context.ts";
import { describeError } from "../../http/errors.ts";
import { protect } from "../gate.tsx";
import { answerPage } from "../parts/layout.tsx";

/** Says to people what went wrong. */
export function answerErrorPage(error: unknown, c: AppContext): Response | Promise<Response> {
  const { status, hint, headers, id } = describeError(error, c);
  protect(c);
  for (const [name, value] of Object.entries(headers)) c.header(name, value);
  return answerPage(
    c,
    {
      title: `${hint} · watchTower`,
      children: (
        <section class="card">
          <h1>{status === 404 ? "Not found" : status < 500 ? "That can't be done" : "Something went wrong"}</h1>
          <p>{hint}</p>
          {id !== undefined && (
            <p>
              The log has more of it, under the id <code>{id}</code>.
            </p>
          )}
          <p>
            <a href="/gui">All services</a>
          </p>
        </section>
      ),
    },
    status as 400,
  );
}
