interface Env {
  DB: D1Database;
}

// What src/storage/event-log.ts makes of it, too.
const INSERT = `insert into "events" select value ->> 'id', value ->> 'service', value ->> 'level', value ->> 'message', value ->> 'alert', value -> 'fields'
from json_each(?) where true on conflict do nothing`;

export default {
  // The body is what json_each takes: the rows are ready, with their ids.
  async fetch(request, env) {
    await env.DB.prepare(INSERT)
      .bind(await request.text())
      .run();
    return Response.json({ result: 200 });
  },
} satisfies ExportedHandler<Env>;
