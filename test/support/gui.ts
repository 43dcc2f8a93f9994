import { env, exports } from "cloudflare:workers";
import { createApp } from "../../src/app.ts";
import type { Env } from "../../src/config.ts";
import { PASSWORD } from "./client.ts";

const ORIGIN = "https://tower.example";

/** What a browser got. */
export interface Visit {
  status: number;
  headers: Headers;
  text: string;
}

type Variables = { [name in keyof Env]?: Env[name] | undefined };

/** A browser: it keeps the session's cookie, and follows nothing. */
export class Visitor {
  cookie: string | undefined;
  readonly #variables: Variables | undefined;

  /** @param variables others than those that the tests are configured with, if any */
  constructor(variables?: Variables) {
    this.#variables = variables;
  }

  /** One who has logged in. */
  static async loggedIn(variables?: Variables): Promise<Visitor> {
    const visitor = new Visitor(variables);
    const answer = await visitor.submit("/gui/login", { password: variables?.PASSWORD ?? PASSWORD });
    if (visitor.cookie === undefined) throw new Error(`The login answered ${answer.status}: ${answer.text}`);
    return visitor;
  }

  /** Opens a page. */
  open(path: string, headers: Record<string, string> = {}): Promise<Visit> {
    return this.#send(path, { headers });
  }

  /** Sends a form. */
  submit(path: string, fields: Record<string, string>, headers: Record<string, string> = {}): Promise<Visit> {
    return this.#send(path, { method: "POST", body: new URLSearchParams(fields), headers });
  }

  async #send(path: string, init: RequestInit & { headers: Record<string, string> }): Promise<Visit> {
    const request = new Request(`${ORIGIN}${path}`, {
      ...init,
      headers: { ...(this.cookie === undefined ? {} : { cookie: this.cookie }), ...init.headers },
      redirect: "manual",
    });
    const answer = this.#variables
      ? await createApp().fetch(request, { ...env, ...this.#variables } as Env)
      : await exports.default.fetch(request);
    const set = answer.headers.get("set-cookie");
    if (set !== null) this.cookie = /Max-Age=0/i.test(set) ? undefined : set.split(";")[0];
    return { status: answer.status, headers: answer.headers, text: await answer.text() };
  }
}

/** What somebody reads of HTML. */
export function readable(html: string): string {
  return html
    .replace(/<[^>]+>/g, " ")
    .replace(/&lt;/g, "<")
    .replace(/&gt;/g, ">")
    .replace(/&quot;/g, '"')
    .replace(/&#39;/g, "'")
    .replace(/&amp;/g, "&")
    .replace(/\s+/g, " ")
    .trim();
}

/** The elements of a list, as somebody reads them. */
export function itemsOf(html: string, className: string): string[] {
  return [
    ...html.matchAll(new RegExp(`<li class="${className}[ "].*?(?=<li class="${className}[ "]|</ol>)`, "gs")),
  ].map(([item]) => readable(item));
}
