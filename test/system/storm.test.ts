import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ProviderStub, type StubRequest, startProviderStub } from "./support/provider-stub.ts";
import { startWatchTower, type WatchTower } from "./support/watchtower.ts";

interface Told {
  id: string;
  kind: string;
  service: string;
}

let tower: WatchTower;
let stub: ProviderStub;

beforeAll(async () => {
  stub = await startProviderStub();
  tower = await startWatchTower({
    env: { GRACE_SECONDS: "1", DEFAULT_ALERT_TYPE: "webhook", DEFAULT_ALERT_TARGET: `${stub.url}/default` },
  });
});
afterAll(async () => {
  await tower.stop();
  await stub.stop();
});

const bodyOf = (request: StubRequest) => JSON.parse(request.body) as Told & { alerts?: Told[] };

describe("a storm", () => {
  it("is ten messages of one death each, and a digest that names all others", async () => {
    const pulse = async (service: string, nextIn: number, path: string) => {
      const alert = { alertType: "webhook", alertTarget: `${stub.url}${path}` };
      expect((await tower.post("/heartbeat", { service, nextIn, ...alert })).status).toBe(200);
    };
    // So many live on that nobody takes this for an outage of ours.
    await Promise.all(Array.from({ length: 60 }, (_, i) => pulse(`lives on ${i}`, 290, "/living")));
    const mortals = Array.from({ length: 40 }, (_, i) => `mortal ${i}`);
    await Promise.all(mortals.map((service) => pulse(service, 2, "/storm")));

    const isStorm = (request: StubRequest) => request.path === "/storm";
    await stub.waitFor((request) => isStorm(request) && bodyOf(request).kind === "digest", { timeoutMs: 60_000 });
    const bodies = stub.requests.filter(isStorm).map(bodyOf);
    const singles = bodies.filter(({ kind }) => kind === "dead");
    expect(singles).toHaveLength(10);
    const told = bodies.flatMap((body) => body.alerts ?? [body]);
    expect(told.map(({ service }) => service).sort()).toEqual(mortals.toSorted());
    expect(new Set(told.map(({ id }) => id)).size).toBe(40);
  });
});
