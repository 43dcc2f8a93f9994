import type { ProviderStub, StubRequest } from "./provider-stub.ts";

/** The webhook body of an alert. */
export interface AlertBody {
  id: string;
  kind: "dead" | "alive" | "event";
  service: string;
  title: string;
  message: string;
}

/** The alert that a request to a provider stub carries. */
export function alertIn(request: StubRequest): AlertBody {
  return JSON.parse(request.body) as AlertBody;
}

/** Selects the requests that tell something of a service. */
export function tells(service: string, kind: AlertBody["kind"]): (request: StubRequest) => boolean {
  return (request) =>
    request.body.startsWith("{") && alertIn(request).service === service && alertIn(request).kind === kind;
}

/** What was told of a service, in order. */
export function toldOf(stub: ProviderStub, service: string): AlertBody[] {
  return stub.requests
    .filter((request) => request.body.startsWith("{"))
    .map(alertIn)
    .filter((alert) => alert.service === service);
}
