import { describe, expect, it } from "vitest";
import { Client, WatchTowerError } from "../src/index.ts";
import { nowhere, serve } from "./support/server.ts";

const quick = { attempts: 1, timeoutMs: 150 };

async function failureOf(work: Promise<unknown>): Promise<WatchTowerError> {
  const error = await work.then(
    () => undefined,
    (error) => error,
  );
  expect(error).toBeInstanceOf(WatchTowerError);
  return error as WatchTowerError;
}

describe("a client on a real network", () => {
  it("says that nobody listens", async () => {
    const { status, hint } = await failureOf(new Client(await nowhere(), "secret", quick).heartbeats());
    expect(status).toBe(0);
    expect(hint).toContain("ECONNREFUSED");
  });

  it("gives up a server that never answers", async () => {
    await using server = await serve(() => {});
    const { status, hint } = await failureOf(new Client(server.url, "secret", quick).heartbeats());
    expect(status).toBe(0);
    expect(hint).toBe("no answer within 150 ms");
  });

  it("gives up a server that answers drop by drop", async () => {
    await using server = await serve((_, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write(" "), 20);
      response.on("close", () => clearInterval(timer));
    });
    const { hint } = await failureOf(new Client(server.url, "secret", quick).heartbeats());
    expect(hint).toBe("no answer within 150 ms");
  });

  it("finds a server below a path, and one on IPv6", async () => {
    for (const host of ["127.0.0.1", "::1"]) {
      await using server = await serve((_, response) => response.end('{"result":200,"heartBeats":[]}'), host);
      expect(await new Client(`${server.url}/tower/`, "secret", quick).heartbeats()).toEqual([]);
      expect(server.requests).toEqual([{ line: "GET /tower/heartbeats", body: "" }]);
    }
  });

  it("doesn't follow a redirect, which would carry the password elsewhere", async () => {
    await using other = await serve((_, response) => response.end('{"result":200,"heartBeats":[]}'));
    await using server = await serve((_, response) => response.writeHead(302, { location: other.url }).end());
    const { status, hint } = await failureOf(new Client(server.url, "secret", quick).heartbeats());
    expect(status).toBe(302);
    expect(hint).toContain(other.url);
    expect(other.requests).toEqual([]);
  });
});

describe("a client", () => {
  it.each([
    "",
    "tower.example",
    "ftp://tower.example",
    "http://ann:pw@tower.example",
    "http://tower.example/?a=b",
    "http://tower.example/#a",
  ])("refuses the address %j", (url) => {
    expect(() => new Client(url, "secret")).toThrow(WatchTowerError);
  });

  it.each(["", " ", "a ", "käse", "two\nlines", "\0"])("refuses the password %j, and doesn't repeat it", (password) => {
    expect(() => new Client("http://tower.example", password)).toThrow(/^The password: must be printable ASCII/);
  });
});
