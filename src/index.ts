import { DurableObject } from "cloudflare:workers";

export class ServiceMonitor extends DurableObject {}

export default {
  async fetch() {
    return Response.json({ result: 200 });
  },
  async scheduled() {},
};
