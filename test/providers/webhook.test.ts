import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { digestOf } from "../../src/domain/digest.ts";
import { refuseTarget, send, warnOfTarget } from "../../src/providers/index.ts";
import { ALERT, answerWith, configWith, onlyRequest, sendTo, TARGETS } from "../support/providers.ts";

afterEach(() => vi.restoreAllMocks());

const accept = () => new Response("ok");

describe("the request to a webhook", () => {
  it("is a POST of JSON that tells what happened, with times in ISO 8601", async () => {
    const fetch = answerWith(accept);
    await sendTo("webhook");
    const { url, init, headers, body } = onlyRequest(fetch);
    expect(url).toBe("https://hooks.example/a");
    expect(init.method).toBe("POST");
    expect(headers.get("content-type")).toBe("application/json");
    expect(headers.get("user-agent")).toBe("watchTower");
    expect(body).toEqual({
      id: ALERT.id,
      kind: "dead",
      service: "nightly backup",
      date: "2026-01-02T03:04:05.678Z",
      title: ALERT.title,
      message: ALERT.message,
      lastPulse: "2026-01-02T03:03:00.000Z",
      deadFrom: "2026-01-02T03:04:00.250Z",
    });
  });

  it("says until when the service was dead, once it is back", async () => {
    const fetch = answerWith(accept);
    await sendTo("webhook", undefined, {
      ...ALERT,
      kind: "alive",
      dead: { lastMs: 0, fromMs: 60_000, toMs: 61_001 },
    });
    expect(onlyRequest(fetch).body).toMatchObject({
      kind: "alive",
      lastPulse: "1970-01-01T00:00:00.000Z",
      deadFrom: "1970-01-01T00:01:00.000Z",
      deadTo: "1970-01-01T00:01:01.001Z",
    });
  });

  it("leaves out what an event has not", async () => {
    const fetch = answerWith(accept);
    const { dead: _, ...event } = ALERT;
    await sendTo("webhook", undefined, { ...event, kind: "event" });
    expect(Object.keys(onlyRequest(fetch).body)).toEqual(["id", "kind", "service", "date", "title", "message"]);
  });

  it("of a digest has all of its alerts, each as it would be by itself, and no service", async () => {
    const fetch = answerWith(accept);
    await sendTo("webhook");
    const { body: single } = onlyRequest(fetch);
    fetch.mockClear();
    const flapping = { ...ALERT, id: "01K0000000000000000000000B", changes: 7 };
    await send(digestOf("01K0000000000000000000000C", [ALERT, flapping], "UTC"), TARGETS.webhook, configWith());
    const { body, headers } = onlyRequest(fetch);
    expect(headers.get("x-watchtower-signature")).toMatch(/^sha256=[0-9a-f]{64}$/);
    expect(body).toEqual({
      id: "01K0000000000000000000000C",
      kind: "digest",
      date: "2026-01-02T03:04:05.678Z",
      title: "1 service not pulsing",
      message: expect.stringContaining("nightly backup"),
      alerts: [single, { ...single, id: flapping.id, changes: 7 }],
    });
  });

  it("is the same whenever it is repeated, id and signature included", async () => {
    const fetch = answerWith(accept);
    await sendTo("webhook");
    await sendTo("webhook");
    const [first, second] = fetch.mock.calls.map(([url, init]) => [url, init?.headers, init?.body]);
    expect(second).toEqual(first);
  });

  it("keeps the path, query and port of the target as they were given", async () => {
    const fetch = answerWith(accept);
    const target = "https://hooks.example:8443/a%20b?token=x%2Fy&é=1";
    await send(ALERT, { type: "webhook", target }, configWith());
    expect(onlyRequest(fetch).url).toBe(target);
  });
});

describe("the signature", () => {
  /** HMAC by its definition (RFC 2104), from nothing but SHA-256. */
  async function hmacSha256(secret: string, body: string): Promise<string> {
    const bytes = new TextEncoder();
    const sha256 = async (...data: number[]) => [
      ...new Uint8Array(await crypto.subtle.digest("SHA-256", new Uint8Array(data))),
    ];
    const given = [...bytes.encode(secret)];
    const key = given.length > 64 ? await sha256(...given) : given;
    const padded = Array.from({ length: 64 }, (_, i) => key[i] ?? 0);
    const inner = await sha256(...padded.map((byte) => byte ^ 0x36), ...bytes.encode(body));
    const outer = await sha256(...padded.map((byte) => byte ^ 0x5c), ...inner);
    return outer.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  it("of this test is right: RFC 4231, test case 2", async () => {
    expect(await hmacSha256("Jefe", "what do ya want for nothing?")).toBe(
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    );
  });

  it.each([
    ["of letters", "webhook-secret"],
    ["of Unicode", "sécrèt 🦊"],
    ["longer than a block", "x".repeat(200)],
  ])("is the HMAC-SHA256 of the body's bytes under a secret %s", async (_, secret) => {
    const fetch = answerWith(accept);
    const alert = { ...ALERT, message: 'naïve 🦊 "quoted" \u2028' };
    await sendTo("webhook", configWith({ WEBHOOK_SECRET: secret }), alert);
    const { headers, text } = onlyRequest(fetch);
    expect(headers.get("x-watchtower-signature")).toBe(`sha256=${await hmacSha256(secret, text)}`);
  });

  it("is missing without a secret", async () => {
    const fetch = answerWith(accept);
    await sendTo("webhook", configWith({ WEBHOOK_SECRET: "" }));
    expect(onlyRequest(fetch).headers.has("x-watchtower-signature")).toBe(false);
  });
});

describe("a webhook's answer", () => {
  const cases: [number, string][] = [
    [200, "delivered"],
    [201, "delivered"],
    [202, "delivered"],
    [204, "delivered"],
    [301, "permanent"],
    [302, "permanent"],
    [307, "permanent"],
    [308, "permanent"],
    [400, "permanent"],
    [401, "credentials"],
    [403, "credentials"],
    [404, "permanent"],
    [405, "permanent"],
    [408, "retry"],
    [410, "permanent"],
    [413, "permanent"],
    [425, "retry"],
    [429, "retry"],
    [500, "retry"],
    [501, "retry"],
    [502, "retry"],
    [503, "retry"],
    [504, "retry"],
    [520, "retry"],
    [599, "retry"],
  ];
  it.each(cases)("%i means %s", async (status, kind) => {
    answerWith(() => new Response(status === 204 ? null : "said", { status, headers: { location: "/elsewhere" } }));
    const answer = status === 204 ? "HTTP 204" : `HTTP ${status}: said`;
    expect(await sendTo("webhook")).toEqual({ kind, answer });
  });
});

describe("a webhook target", () => {
  it.each([
    "https://hooks.example/a",
    "http://hooks.example",
    "HTTPS://HOOKS.EXAMPLE/",
    "https://8.8.8.8:8443/x",
    "https://[2606:4700::1111]/x",
    "https://[::ffff:8.8.8.8]/x",
    "https://bücher.example/",
    "https://localhost.example/",
    "https://notlocalhost.example/",
    "https://a.notlocalhost/",
    "https://home.example/",
    "https://svc.example/",
    "https://mylan.example./",
    "https://metadata.goog.example/",
    "http://good.example\\@127.0.0.1/",
    "https://127.0.0.1%2F@hooks.example/",
    "https://127.0.0.1.hooks.example/",
    "https://168.63.129.17/",
    "https://[2a00:1450:4001:81a::200e]/",
    "https://internal.example/",
  ])("%s is accepted, without a warning", (target) => {
    expect(refuseTarget({ type: "webhook", target }, configWith())).toBeUndefined();
    expect(warnOfTarget({ type: "webhook", target }, configWith())).toEqual([]);
  });

  it.each([
    "",
    "hooks.example/a",
    "//hooks.example/a",
    "ftp://hooks.example/a",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "data:text/plain,x",
    "ws://hooks.example",
    "https://",
    "https://a b/",
    "https://hooks.example:99999/",
    "http://1.2.3.4.5/",
    "http://256.0.0.1/",
    "http://0x100000000/",
    "http://[fe80::1%25eth0]/",
    "http://[fe80::1%eth0]/",
    "http://[::1]./",
    "http://127.0.0.1%00.example/",
    "http://good.example%40127.0.0.1/",
  ])("%j is refused: it is no http or https URL", (target) => {
    expect(refuseTarget({ type: "webhook", target }, configWith())).toMatch(
      /^alertTarget must be an http or https URL/,
    );
  });

  const INWARD = [
    "http://localhost/",
    "http://LOCALHOST:8787/",
    "http://localhost./",
    "http://localhost../",
    "http://deep.localhost/",
    "http://ⓛocalhost/",
    "http://ｌｏｃａｌｈｏｓｔ/",
    "http://loc\u00adal\u200bhost/",
    "http://localho\u017ft/",
    "http://localhost%2e/",
    "http://localhost.localdomain/",
    "http://ip6-localhost/",
    "http://localhost6/",
    "http://nas/",
    "http://metadata/",
    "http://METADATA.GOOGLE.INTERNAL./",
    "http://metadata.goog/",
    "http://instance-data.ec2.internal/",
    "http://host.docker.internal/",
    "http://internal/",
    "http://router.lan/",
    "http://nas.home/",
    "http://wiki.corp/",
    "http://wiki.intranet/",
    "http://kubernetes.default.svc/",
    "http://hook.default.svc.cluster.local/",
    "http://printer.local/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://router.home.arpa/",
    "http://127.0.0.1/",
    "http://127.0.0.1./",
    "http://127.0.0.1../",
    "http://127.1/",
    "http://127.0.1/",
    "http://0X7F.0X0.0X0.0X1/",
    "http://00000177.1/",
    "http://%31%32%37.0.0.1/",
    "http://127%2e0%2e0%2e1/",
    "http://①②⑦.⓪.⓪.①/",
    "http://127．0．0．1/",
    "http:\\\\127.0.0.1/",
    "http:///127.0.0.1/",
    "http://good.example@127.0.0.1/",
    "http://good.example:80@[::1]/",
    "http://127.0.0.1\\@good.example/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://017700000001/",
    "http://0177.0.0.01/",
    "http://１２７.0.0.1/",
    "http://127。0。0。1/",
    "http://127.255.255.254/",
    "http://user:password@127.0.0.1/",
    "http:127.0.0.1/",
    "http://0/",
    "http://0.0.0.0/",
    "http://0.1.2.3/",
    "http://10.0.0.1/",
    "http://10.1/",
    "http://192.168.257/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://100.127.255.255/",
    "http://100.100.100.200/",
    "http://192.0.0.1/",
    "http://192.0.0.192/",
    "http://168.63.129.16/",
    "http://0xa83f8110/",
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://169.254.170.2/",
    "http://0251.0376.0251.0376/",
    "http://198.18.0.1/",
    "http://198.19.255.255/",
    "http://198.51.100.1/",
    "http://203.0.113.1/",
    "http://192.88.99.1/",
    "http://239.255.255.250/",
    "http://240.0.0.1/",
    "http://192.0.2.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://[::]/",
    "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[::127.0.0.1]/",
    "http://[::ffff:0:127.0.0.1]/",
    "http://[64:ff9b::127.0.0.1]/",
    "http://[64:ff9b:1::10.0.0.1]/",
    "http://[2002:7f00:1::]/",
    "http://[2002:a9fe:a9fe::1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[::FFFF:7F00:0001]/",
    "http://[::7f00:1]/",
    "http://[2001::1]/",
    "http://[2001:0:0:0:0:0:80ff:fffe]/",
    "http://[2001:2::1]/",
    "http://[2001:10::1]/",
    "http://[3fff::1]/",
    "http://[5f00::1]/",
    "http://[100::1]/",
    "http://[2001:db8::1]/",
    "http://[fe80::1]/",
    "http://[fc00::1]/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://[fec0::1]/",
    "http://[ff02::1]/",
    "http://[4000::1]/",
  ];
  it.each(INWARD)("%s points inwards: refused unless that is allowed", async (target) => {
    const fetch = answerWith(accept);
    const webhook = { type: "webhook", target };
    expect(refuseTarget(webhook, configWith())).toMatch(/^alertTarget must not be a loopback or private address/);
    // One that was accepted while it was allowed is not called any more either.
    expect(await send(ALERT, webhook, configWith())).toMatchObject({ kind: "permanent" });
    expect(fetch).not.toHaveBeenCalled();

    const allowing = configWith({ ALLOW_PRIVATE_WEBHOOKS: "true" });
    expect(refuseTarget(webhook, allowing)).toBeUndefined();
    expect(await send(ALERT, webhook, allowing)).toMatchObject({ kind: "delivered" });
  });

  it("stays the one that was checked: its neighbours in the public ranges are accepted", () => {
    for (const host of [
      "172.15.0.1",
      "172.32.0.1",
      "100.63.0.1",
      "100.128.0.1",
      "169.253.0.1",
      "126.0.0.1",
      "11.0.0.1",
    ]) {
      expect(refuseTarget({ type: "webhook", target: `http://${host}/` }, configWith()), host).toBeUndefined();
    }
  });
});

describe("an address, in whatever notation", () => {
  const octets = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255));
  const join = (bytes: number[]) => bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  const hex = (value: number, length: number) => value.toString(16).padStart(length, "0");
  const [high, low] = [(b: number[]) => hex(join(b.slice(0, 2)), 4), (b: number[]) => hex(join(b.slice(2)), 4)];
  const NOTATIONS: ((bytes: number[]) => string)[] = [
    (bytes) => bytes.join("."),
    (bytes) => `${bytes.join(".")}.`,
    (bytes) => `${join(bytes)}`,
    (bytes) => `0x${join(bytes).toString(16)}`,
    (bytes) => `0${join(bytes).toString(8)}`,
    (bytes) => bytes.map((byte) => `0x${byte.toString(16)}`).join("."),
    (bytes) => bytes.map((byte) => `0${byte.toString(8)}`).join("."),
    (bytes) => `${bytes[0]}.${join(bytes.slice(1))}`,
    (bytes) => `${bytes[0]}.0x${hex(bytes[1] as number, 1)}.${join(bytes.slice(2))}`,
    (bytes) => bytes.join(".").replace(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit))),
    (bytes) => bytes.join(".").replace(/./g, (character) => `%${character.charCodeAt(0).toString(16)}`),
    (bytes) => `[::ffff:${bytes.join(".")}]`,
    (bytes) => `[0:0:0:0:0:FFFF:${high(bytes)}:${low(bytes)}]`,
  ];
  /** They carry an IPv4 address, and are refused whatever that is. */
  const TUNNELS: ((bytes: number[]) => string)[] = [
    (bytes) => `[::${high(bytes)}:${low(bytes)}]`,
    (bytes) => `[2002:${high(bytes)}:${low(bytes)}::1]`,
    (bytes) => `[64:ff9b::${bytes.join(".")}]`,
    (bytes) => `[64:ff9b:1::${bytes.join(".")}]`,
    (bytes) => `[2001:0:${high(bytes)}:${low(bytes)}::]`,
    (bytes) => `[::ffff:0:${bytes.join(".")}]`,
  ];
  const isRefused = (host: string) => refuseTarget({ type: "webhook", target: `http://${host}/` }, configWith());
  const PRIVATE = [
    [10],
    [127],
    [172, 20],
    [192, 168],
    [169, 254],
    [100, 64],
    [0],
    [224],
    [255],
    [198, 18],
    [192, 0, 0],
  ];

  it("is refused where it is no public one", () => {
    fc.assert(
      fc.property(octets, fc.constantFrom(...PRIVATE), fc.constantFrom(...NOTATIONS), (random, prefix, write) => {
        const host = write([...prefix, ...random.slice(prefix.length)]);
        expect(isRefused(host), host).toMatch(/private address/);
      }),
      { seed: 20_261_122, numRuns: 2_000 },
    );
  });

  it("is accepted where it is one, and refused within a tunnel", () => {
    fc.assert(
      fc.property(octets, fc.constantFrom(1, 8, 9, 45, 93, 151, 185, 212), fc.nat(30), (random, first, pick) => {
        const bytes = [first, ...random.slice(1)];
        const host = (NOTATIONS[pick % NOTATIONS.length] as (bytes: number[]) => string)(bytes);
        expect(isRefused(host), host).toBeUndefined();
        const tunnel = (TUNNELS[pick % TUNNELS.length] as (bytes: number[]) => string)(bytes);
        expect(isRefused(tunnel), tunnel).toMatch(/private address/);
      }),
      { seed: 20_261_122, numRuns: 2_000 },
    );
  });
});

describe("the configured default target", () => {
  it("is warned of, not refused, where nothing can be sent to it", () => {
    expect(warnOfTarget({ type: "slack", target: "#ops" }, configWith())).toEqual([
      "alertType must be one of pushover, mail, email, webhook.",
    ]);
    expect(warnOfTarget({ type: "webhook", target: "http://10.0.0.1/" }, configWith())).toEqual([
      expect.stringContaining("private address"),
    ]);
    expect(warnOfTarget(TARGETS.webhook, configWith())).toEqual([]);
  });

  it("of an unknown type is given up at once", async () => {
    const fetch = answerWith(accept);
    expect(await send(ALERT, { type: "slack", target: "#ops" }, configWith())).toEqual({
      kind: "permanent",
      answer: "there is no alertType slack",
    });
    expect(fetch).not.toHaveBeenCalled();
  });
});
