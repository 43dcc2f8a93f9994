import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { Account, ApiError, type Metadata, type Script } from "./account.ts";

/** A call that reached the stub; `metadata` where it was an upload. */
export interface Call {
  method: string;
  path: string;
  body: unknown;
  metadata?: Metadata;
}

/** What happens to a call: it is refused, or it takes effect and the answer is an error, or there is no answer. */
export interface Fault {
  call: RegExp;
  how: "refused" | "answered with an error" | "never answered";
}

/** The token and the account that the stub accepts. */
export const credentials = { token: "stub-token", accountId: "0123456789abcdef0123456789abcdef" };

type Handler = (match: string[], call: Call, query: URLSearchParams) => unknown;

/** A stub of the part of Cloudflare's API that a deploy uses, for one account, on loopback. */
export class CloudflareApi {
  readonly account = new Account();
  readonly calls: Call[] = [];
  /** Calls that the stub does not know, and attempts to reach another host through it as a proxy. */
  readonly strays: string[] = [];
  fault: Fault | undefined;
  url = "";

  readonly #server = createServer((request, response) => {
    this.#answer(request).then(
      (result) => send(200, { success: true, errors: [], messages: [], result }),
      (error) => {
        const { status, code, message } =
          error instanceof ApiError ? error : new ApiError(500, 0, String(error?.stack));
        send(status, { success: false, errors: [{ code, message }], messages: [], result: null });
      },
    );
    function send(status: number, body: unknown) {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    }
  });

  async start(): Promise<void> {
    this.#server.on("connect", (request, socket) => {
      this.strays.push(`CONNECT ${request.url}`);
      socket.destroy();
    });
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage): Promise<unknown> {
    const url = new URL(request.url ?? "", this.url);
    const method = request.method ?? "";
    const path = url.pathname.replace("/client/v4", "");
    const { body, metadata } = await read(request);
    const call: Call = { method, path, body, ...(metadata && { metadata }) };
    this.calls.push(call);
    const upload = /\/workers\/assets\/upload$/.test(path);
    if (upload) return this.account.uploadAssets(bearerOf(request), body as string[]);
    if (bearerOf(request) !== credentials.token) {
      throw new ApiError(403, 10000, "Authentication error");
    }
    const fault = this.fault?.call.test(`${method} ${path}`) ? this.fault.how : undefined;
    if (fault === "never answered") await new Promise(() => {});
    if (fault === "refused") throw new ApiError(400, 10013, "The stub refuses this call");
    const result = this.#route(call, url.searchParams);
    if (fault) throw new ApiError(400, 10013, "The stub refuses to answer");
    return result;
  }

  #route(call: Call, query: URLSearchParams): unknown {
    const key = `${call.method} ${call.path}`;
    for (const [pattern, handle] of this.#routes) {
      const match = pattern.exec(key);
      if (match) return handle(match.slice(1), call, query);
    }
    this.strays.push(key);
    throw new ApiError(404, 7003, `Could not route to ${call.path}`);
  }

  readonly #routes: [RegExp, Handler][] = this.#table().map(([key, handle]) => {
    const path = key.replace(" /", ` /accounts/${credentials.accountId}/`).replaceAll("*", "([^/]+)");
    return [new RegExp(`^${path}$`), handle];
  });

  #table(): [string, Handler][] {
    const { account } = this;
    return [
      [
        "GET /d1/database",
        (_, __, query) => {
          const size = Number(query.get("per_page"));
          const from = (Number(query.get("page")) - 1) * size;
          return [...account.databases.values()].slice(from, from + size).map(({ uuid, name }) => ({ uuid, name }));
        },
      ],
      ["POST /d1/database", (_, { body }) => account.createDatabase((body as { name: string }).name)],
      ["GET /d1/database/*", ([id]) => pick(account.database(id ?? ""), "uuid", "name")],
      ["POST /d1/database/*/query", ([id], { body }) => account.query(id ?? "", (body as { sql: string }).sql)],
      ["GET /workers/subdomain", () => subdomainOf(account)],
      ["GET /workers/services/*", ([name]) => service(account.script(name ?? "", 10090))],
      ["GET /workers/services/*/environments/production", ([name]) => environment(account.script(name ?? ""))],
      ["GET /workers/services/*/environments/production/bindings", ([name]) => bindingsOf(account.script(name ?? ""))],
      ["GET /workers/services/*/environments/production/subdomain", ([name]) => devOf(account.script(name ?? ""))],
      ["GET /workers/workers/*", ([name]) => ({ subdomain: devOf(account.script(name ?? "")) })],
      ["GET /workers/scripts/*/settings", ([name]) => ({ bindings: bindingsOf(account.script(name ?? "")) })],
      ["GET /workers/scripts/*/secrets", ([name]) => secretsOf(account.script(name ?? ""))],
      ["GET /workers/scripts/*/deployments", ([name]) => deploymentsOf(account.script(name ?? ""))],
      ["GET /workers/scripts/*/schedules", ([name]) => schedulesOf(account.script(name ?? ""))],
      [
        "POST /workers/scripts/*/assets-upload-session",
        (_, { body }) => account.beginAssets((body as { manifest: Record<string, { hash: string }> }).manifest),
      ],
      ["PUT /workers/scripts/*", ([name], call) => uploaded(account, name ?? "", call)],
      [
        "POST /workers/scripts/*/versions",
        ([name], call) => {
          const { version } = account.upload(name ?? "", metadataOf(call), false);
          return { id: version.id, resources: { script: { etag: "stub" } }, startup_time_ms: 1 };
        },
      ],
      [
        "POST /workers/scripts/*/deployments",
        ([name], { body }) => {
          const script = account.script(name ?? "");
          const [only] = (body as { versions: { version_id: string; percentage: number }[] }).versions;
          const version = script.versions.find(({ id }) => id === only?.version_id);
          if (!version || only?.percentage !== 100) throw new ApiError(400, 10217, "not one version at 100 percent");
          script.deployed = version;
          return { id: version.id };
        },
      ],
      ["PATCH /workers/scripts/*/script-settings", (_, { body }) => body],
      [
        "POST /workers/scripts/*/subdomain",
        ([name], { body }) => {
          const script = account.script(name ?? "");
          script.subdomainEnabled = (body as { enabled: boolean }).enabled;
          return devOf(script);
        },
      ],
      [
        "PUT /workers/scripts/*/schedules",
        ([name], { body }) => {
          const script = account.script(name ?? "");
          script.crons = (body as { cron: string }[]).map(({ cron }) => cron);
          return schedulesOf(script);
        },
      ],
    ];
  }
}

function bearerOf(request: IncomingMessage): string {
  return request.headers.authorization?.replace(/^Bearer /, "") ?? "";
}

async function read(request: IncomingMessage): Promise<{ body: unknown; metadata?: Metadata }> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  const type = request.headers["content-type"] ?? "";
  if (!type.startsWith("multipart/form-data")) {
    return { body: bytes.length > 0 ? JSON.parse(bytes.toString("utf8")) : undefined };
  }
  const form = await new Response(bytes, { headers: { "content-type": type } }).formData();
  if (!form.has("metadata")) return { body: [...form.keys()] };
  const metadata: Metadata = JSON.parse(String(form.get("metadata")));
  if (!form.has(metadata.main_module)) throw new ApiError(400, 10021, `no part named ${metadata.main_module}`);
  return { body: [...form.keys()], metadata };
}

function metadataOf({ metadata }: Call): Metadata {
  if (!metadata) throw new ApiError(400, 10021, "an upload must be multipart/form-data");
  return metadata;
}

function uploaded(account: Account, name: string, call: Call) {
  const { script, version } = account.upload(name, metadataOf(call), true);
  return { id: script.name, etag: "stub", startup_time_ms: 1, deployment_id: version.id.replaceAll("-", "") };
}

function subdomainOf({ subdomain }: Account) {
  if (!subdomain) throw new ApiError(404, 10007, "You do not have a workers.dev subdomain.");
  return { subdomain };
}

function service(script: Script) {
  return { id: script.name, default_environment: environment(script) };
}

function environment({ tag, migrationTag, lastDeployedFrom }: Script) {
  return {
    environment: "production",
    script: {
      tag,
      tags: [],
      last_deployed_from: lastDeployedFrom,
      migration_tag: migrationTag,
      compatibility_date: "2025-01-01",
      compatibility_flags: [],
    },
  };
}

/** What the API tells of bindings: everything except the text of a secret. */
function bindingsOf({ deployed }: Script) {
  return (deployed?.bindings ?? []).map((binding) =>
    binding.type === "secret_text" ? { type: binding.type, name: binding.name } : binding,
  );
}

function secretsOf(script: Script) {
  return bindingsOf(script).filter(({ type }) => type === "secret_text");
}

function deploymentsOf({ deployed }: Script) {
  return {
    deployments: deployed ? [{ id: deployed.id, versions: [{ version_id: deployed.id, percentage: 100 }] }] : [],
  };
}

function devOf({ subdomainEnabled }: Script) {
  return { enabled: subdomainEnabled, previews_enabled: false };
}

function schedulesOf({ crons }: Script) {
  return { schedules: crons.map((cron) => ({ cron })) };
}

function pick<T, K extends keyof T>(object: T, ...keys: K[]): Pick<T, K> {
  return Object.fromEntries(keys.map((key) => [key, object[key]])) as Pick<T, K>;
}
