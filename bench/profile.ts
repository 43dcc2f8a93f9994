/** A CPU profile as V8 writes it. */
interface Profile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number }; children?: number[] }[];
  samples: number[];
  timeDeltas: number[];
}

/** Records a CPU profile of a Worker while some work is done; `url` is its inspector's. */
export async function profileWhile(url: URL, work: () => Promise<unknown>): Promise<Profile> {
  const targets = (await (await fetch(new URL("/json", url))).json()) as { id: string; webSocketDebuggerUrl: string }[];
  const target = targets.find(({ id }) => id.includes("main")) ?? targets[0];
  const socket = new WebSocket(`ws://${url.host}/${target?.id}`);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
  const waiting = new Map<number, (result: unknown) => void>();
  socket.onmessage = ({ data }) => {
    const { id, result } = JSON.parse(String(data)) as { id?: number; result: unknown };
    if (id !== undefined) waiting.get(id)?.(result);
  };
  const call = (method: string, params = {}) =>
    new Promise<unknown>((resolve) => {
      const id = waiting.size + 1;
      waiting.set(id, resolve);
      socket.send(JSON.stringify({ id, method, params }));
    });
  await call("Profiler.enable");
  await call("Profiler.setSamplingInterval", { interval: 200 });
  await call("Profiler.start");
  await work();
  const { profile } = (await call("Profiler.stop")) as { profile: Profile };
  socket.close();
  return profile;
}

/** How much time each function took by itself and with what it called, as shares of all samples, the most first. */
export function hotFunctions({ nodes, samples, timeDeltas }: Profile): { name: string; self: number; total: number }[] {
  const parents = new Map<number, number>();
  for (const { id, children = [] } of nodes) for (const child of children) parents.set(child, id);
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const nameOf = (id: number) => {
    const frame = byId.get(id)?.callFrame;
    return `${frame?.functionName || "(anonymous)"}:${(frame?.lineNumber ?? 0) + 1}`;
  };
  const selfs = new Map<string, number>();
  const totals = new Map<string, number>();
  let all = 0;
  samples.forEach((id, i) => {
    const us = timeDeltas[i] ?? 0;
    all += us;
    selfs.set(nameOf(id), (selfs.get(nameOf(id)) ?? 0) + us);
    const seen = new Set<string>();
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) seen.add(nameOf(at));
    for (const name of seen) totals.set(name, (totals.get(name) ?? 0) + us);
  });
  return [...totals]
    .map(([name, us]) => ({ name, self: (selfs.get(name) ?? 0) / all, total: us / all }))
    .toSorted((a, b) => b.total - a.total);
}
