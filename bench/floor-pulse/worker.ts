import { DurableObject } from "cloudflare:workers";

/** An alarm clock and nothing else. */
export class Clock extends DurableObject {
  async set(seconds: number): Promise<void> {
    await this.ctx.storage.setAlarm(Date.now() + seconds * 1_000);
  }

  override async alarm(): Promise<void> {}
}

interface Env {
  CLOCK: DurableObjectNamespace<Clock>;
}

export default {
  async fetch(request, env) {
    const { service, nextIn } = (await request.json()) as { service: string; nextIn: number };
    await env.CLOCK.getByName(service).set(nextIn);
    return Response.json({ result: 200 });
  },
} satisfies ExportedHandler<Env>;
