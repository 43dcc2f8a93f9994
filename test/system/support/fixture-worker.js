import { DurableObject } from "cloudflare:workers";

// A Worker that shows what `npm start` gives to it, in place of the real one.

export class ServiceMonitor extends DurableObject {
  count() {
    const count = (this.ctx.storage.kv.get("count") ?? 0) + 1;
    this.ctx.storage.kv.put("count", count);
    return count;
  }
}

// wrangler.toml names it.
export class BulkReader extends DurableObject {}
export class Sentinel extends DurableObject {}
export class Messenger extends DurableObject {}
export class RuleMonitor extends DurableObject {}
export class EventBuffer extends DurableObject {}

export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === "/variables") {
      return Response.json(Object.fromEntries(Object.entries(env).filter(([, value]) => typeof value === "string")));
    }
    if (pathname === "/count") return Response.json(await env.SERVICE_MONITOR.getByName("fixture").count());
    if (pathname === "/notes" && request.method === "POST") {
      await env.DB.prepare("insert into notes (text) values (?)")
        .bind(await request.text())
        .run();
    }
    if (pathname === "/notes") {
      const { results } = await env.DB.prepare("select text from notes").all();
      return Response.json(results.map(({ text }) => text));
    }
    if (pathname === "/log") {
      console.log("a line to stdout");
      console.error("a line to stderr");
    }
    // More than the pipe between the two processes holds.
    if (pathname === "/log-much") for (let line = 0; line < 2_000; line++) console.log("x".repeat(200));
    // A request that takes as long as somebody else wants.
    if (pathname === "/wait-for") await fetch(await request.text());
    return Response.json({ result: 200, pathname });
  },

  async scheduled({ cron }, env) {
    console.log(`scheduled: ${cron}`);
    // Any variable will do to make it fail.
    if (env.MAIL_FROM === "fail") throw new Error("this trigger fails");
  },
};
