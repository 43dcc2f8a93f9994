import { once } from "node:events";
import { connect } from "node:net";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startWatchTower, type WatchTower } from "./support/watchtower.ts";

/*
 * What the original's clients send, byte for byte, as it was seen on the wire: docs/compatibility.md has the versions.
 * Only the password and the host are put in, and the length of a body is counted.
 */

let tower: WatchTower;
beforeAll(async () => {
  tower = await startWatchTower();
});
afterAll(() => tower.stop());

/** Sends lines of a head and a body over a socket, the body a moment later where a client does so, and reads the answer. */
async function send(head: string[], body = "", parts: "together" | "apart" = "together") {
  const { hostname, port, host } = new URL(tower.baseUrl);
  const lines = head.map((line) =>
    line
      .replace("HOST", host)
      .replace("PASSWORD", tower.password)
      .replace("LENGTH", String(Buffer.byteLength(body))),
  );
  const start = `${lines.join("\r\n")}\r\n\r\n`;
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  socket.setNoDelay(true);
  if (parts === "apart") {
    await new Promise<void>((written) => socket.write(start, () => written()));
    socket.write(body);
  } else socket.write(start + body);
  let text = "";
  for await (const chunk of socket.setEncoding("latin1")) {
    text += chunk;
    const content = contentOf(text);
    if (content !== undefined) return { status: Number(text.split(" ")[1]), body: JSON.parse(content) };
  }
  throw new Error(`The answer is not complete: ${text}`);
}

/** The content of an answer, whether it comes with its length or in chunks; undefined where it is not all there. */
function contentOf(answer: string): string | undefined {
  const [head = "", rest] = answer.split(/\r\n\r\n(.*)/s);
  if (rest === undefined) return undefined;
  const length = head.match(/content-length: (\d+)/i)?.[1];
  if (length !== undefined) return rest.length < Number(length) ? undefined : decoded(head, rest);
  if (!rest.endsWith("\r\n0\r\n\r\n")) return undefined;
  let content = "";
  for (let at = 0; ; ) {
    const [, size = "0"] = rest.slice(at).match(/^([0-9a-f]+)\r\n/i) ?? [];
    if (size === "0") return decoded(head, content);
    at += size.length + 2;
    content += rest.slice(at, at + Number.parseInt(size, 16));
    at += Number.parseInt(size, 16) + 2;
  }
}

function decoded(head: string, latin1: string): string {
  const bytes = Buffer.from(latin1, "latin1");
  return (/content-encoding: gzip/i.test(head) ? gunzipSync(bytes) : bytes).toString("utf8");
}

const PYTHON = (line: string, password = "PASSWORD") => [
  `${line} HTTP/1.1`,
  "Host: HOST",
  "User-Agent: python-requests/2.34.2",
  "Accept-Encoding: gzip, deflate",
  "Accept: */*",
  "Connection: keep-alive",
  `password: ${password}`,
];
const PYTHON_JSON = ["Content-Length: LENGTH", "Content-Type: application/json"];
const JAVA = (line: string) => [
  `${line} HTTP/1.1`,
  "password: PASSWORD",
  "content-type: application/json",
  "User-Agent: Java/17.0.15",
  "Host: HOST",
  "Accept: text/html, image/gif, image/jpeg, */*; q=0.2",
  "Connection: keep-alive",
  "Content-Length: LENGTH",
];
const NODE = (line: string, ...more: string[]) => [
  `${line} HTTP/1.1`,
  "password: PASSWORD",
  "host: HOST",
  ...more,
  "Connection: close",
];
const NODE_FORM = [
  "content-type: application/x-www-form-urlencoded",
  "accept: application/json",
  "content-length: LENGTH",
];

function alive(service: string) {
  const fields = { service, alertType: "webhook", alertTarget: "http://127.0.0.1:9/x", nextIn: 60 };
  return { result: 200, action: "pulse", heartBeat: { ...fields, alerted: false, cancelled: false } };
}

describe("the original's Python client", () => {
  it("pulses, lists, adds, searches and cancels", async () => {
    const service = "original python";
    const pulse = `{"service": "${service}", "alertType": "webhook", "alertTarget": "http://127.0.0.1:9/x", "nextIn": 60}`;
    const pulsed = await send([...PYTHON("POST /heartbeat"), ...PYTHON_JSON], pulse, "apart");
    expect(pulsed).toMatchObject({ status: 200, body: alive(service) });
    const event = String.raw`{"service": "original python", "level": 4, "message": "my m\"es\nsage \u00e9\ud83e\udd8a"}`;
    expect((await send([...PYTHON("POST /event"), ...PYTHON_JSON], event)).body).toMatchObject({ result: 200 });
    const listed = await send(PYTHON("GET /heartbeats"));
    expect(listed.body.heartBeats).toContainEqual(expect.objectContaining({ service, alerted: false }));
    const found = await send(PYTHON("GET /events?service=original+python&message=m%22es"));
    expect(found.body.events).toMatchObject([{ service, level: 4, message: 'my m"es\nsage é🦊', alert: false }]);
    expect((await send(PYTHON("GET /events?from=1&to=2"))).body.events).toEqual([]);
    const cancelled = await send(
      [...PYTHON("DELETE /heartbeat"), ...PYTHON_JSON],
      `{"service": "${service}"}`,
      "apart",
    );
    expect(cancelled.body).toMatchObject({ result: 200, action: "cancel", heartBeat: { service, cancelled: true } });
  });

  it("is told that its password is wrong by the status, which it looks at", async () => {
    expect(await send(PYTHON("GET /heartbeats", "wrong"))).toMatchObject({ status: 403, body: { result: 403 } });
  });
});

describe("the original's Java client", () => {
  it("pulses, adds with a level that is a text, and cancels", async () => {
    const service = "original java";
    const pulse = `{"service":"${service}","alertType":"webhook","alertTarget":"http://127.0.0.1:9/x","nextIn":60}`;
    expect(await send(JAVA("POST /heartbeat"), pulse, "apart")).toMatchObject({ status: 200, body: alive(service) });
    const event = `{"service":"${service}","message":"hello \\"quoted\\" é","level":"4"}`;
    expect((await send(JAVA("POST /event"), event)).body).toMatchObject({ result: 200 });
    const found = await send(PYTHON("GET /events?service=original+java"));
    expect(found.body.events).toMatchObject([{ level: 4, message: 'hello "quoted" é' }]);
    const cancelled = await send(JAVA("DELETE /heartbeat"), `{"service":"${service}"}`);
    expect(cancelled.body).toMatchObject({ result: 200, action: "cancel", heartBeat: { cancelled: true } });
  });
});

describe("the original's JavaScript client", () => {
  it("pulses and cancels by forms, and lists", async () => {
    const service = "original js";
    const pulse = "service=original%20js&alertType=webhook&alertTarget=http%3A%2F%2F127.0.0.1%3A9%2Fx&nextIn=60";
    expect(await send(NODE("POST /heartbeat", ...NODE_FORM), pulse)).toMatchObject({
      status: 200,
      body: alive(service),
    });
    const listed = await send(NODE("GET /heartbeats"));
    expect(listed.body.heartBeats).toContainEqual(expect.objectContaining({ service }));
    const cancelled = await send(NODE("DELETE /heartbeat", ...NODE_FORM), "service=original%20js");
    expect(cancelled.body).toMatchObject({ result: 200, action: "cancel", heartBeat: { service, cancelled: true } });
  });
});
