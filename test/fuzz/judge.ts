import { ERROR_STATUS } from "../../src/domain/errors.ts";
import { type Answered, deviations, type Operation, operations } from "../support/contract.ts";
import { type FuzzRequest, MARKUP } from "./request.ts";

/** What the web interface may answer: it is not described. */
const PAGE_STATUSES = [200, 303, 400, 403, 404, 405, 413, 429];
/** What may be answered where no operation is described: no such route or method, or not without a password. */
const GENERAL_STATUSES = [400, 403, 404, 405, 429];

/** What is wrong with an answer; empty where it is one of those that are documented. */
export function judge(request: FuzzRequest, answer: Answered & { text: string }): string[] {
  const { status, headers, text } = answer;
  if (status >= 500) return [`it is ${status}`];
  if (headers.get("content-type")?.startsWith("text/html") && text.includes(MARKUP))
    return ["markup comes back as it is"];
  const path = pathOf(request.target);
  // The local runtime's own, which Cloudflare has as well.
  if (path.startsWith("/cdn-cgi/")) return [];
  if (request.method === "OPTIONS") return status === 204 || status === 404 ? [] : [`OPTIONS is ${status}`];
  if (/^\/gui(\/|$)/.test(path)) return judgePage(request, answer);
  if (request.method === "HEAD" && text !== "") return ["HEAD has a body"];
  const operation = operationOf(request.method === "HEAD" ? "GET" : request.method, path);
  if (operation && request.method !== "HEAD") {
    // What is described as no JSON has no envelope.
    if (answer.status === 200 && !operation.responses["200"]) return isText(answer) ? [] : ["it is no text"];
    const problems = isOtlp(path) ? [] : envelope(answer);
    return problems.length > 0 ? problems : deviations(operation, answer);
  }
  const allowed = operation ? Object.keys(operation.responses).map(Number) : GENERAL_STATUSES;
  if (!allowed.includes(status)) return [`${status} is not documented`];
  return request.method === "HEAD" || isOtlp(path) ? [] : envelope(answer);
}

/** OpenTelemetry's protocol has answers of its own; the description says which. */
function isOtlp(path: string): boolean {
  return path === "/v1/logs";
}

function isText({ headers }: Answered): boolean {
  return /^(text\/(csv|event-stream)|application\/x-ndjson)/.test(headers.get("content-type") ?? "");
}

function judgePage({ method }: FuzzRequest, { status, headers, text, body }: Answered & { text: string }): string[] {
  const problems = PAGE_STATUSES.includes(status) ? [] : [`${status} is no answer of a page`];
  if (!headers.has("content-security-policy")) problems.push("the page has no policy");
  if (status === 303 && !headers.get("location")?.match(/^\/gui(\/|\?|$)/)) problems.push("it leads elsewhere");
  if (method === "HEAD" ? text !== "" : text === "" && status !== 303)
    problems.push("the page is empty, or HEAD is not");
  if (text !== "" && headers.get("content-type")?.startsWith("application/json") && typeof body !== "object")
    problems.push("no JSON");
  return problems;
}

/** The envelope that every answer of the API has. */
function envelope({ status, headers, body }: Answered): string[] {
  // The way to the web interface, for browsers.
  if (status === 302) return headers.get("location") === "/gui" ? [] : ["it leads elsewhere"];
  if (typeof body !== "object" || body === null) return ["it is no JSON object"];
  const { result, code, hint } = body as Record<string, unknown>;
  const problems = result === status ? [] : [`result is ${result}`];
  if (status < 400) return problems;
  if (ERROR_STATUS[code as keyof typeof ERROR_STATUS] !== status) problems.push(`code is ${code}`);
  if (typeof hint !== "string" || !/^[A-Z].+\.$/is.test(hint)) problems.push(`hint is ${hint}`);
  return problems;
}

/** The path as a server gets it from a URL. */
function pathOf(target: string): string {
  return new URL(`http://tower.invalid${target}`).pathname;
}

/** The paths that end with a name, by their first part. */
const TEMPLATES = new Map([
  ["heartbeat", "/heartbeat/{service}"],
  ["get", "/get/{service}"],
  ["rules", "/rules/{rule}"],
]);

/** The operation that a path belongs to, however it is spelled. */
function operationOf(method: string, path: string): Operation | undefined {
  const [, first] = decoded(path).match(/^\/([^/]*)\/./s) ?? [];
  const template = TEMPLATES.get(first ?? "") ?? decoded(path);
  return operations.find((operation) => operation.method === method && operation.path === template);
}

function decoded(path: string): string {
  // As Hono does: what can't be decoded stays, and nothing is decoded twice.
  return path.replaceAll(/(?:%[0-9a-f]{2})+/gi, (part) => {
    try {
      return decodeURI(part);
    } catch {
      return part;
    }
  });
}
