/** Where in a script something runs, as V8 writes it; what is not JavaScript has no `url`. */
interface CallFrame {
  functionName: string;
  url: string;
  lineNumber: number;
}

/** A CPU profile as V8 writes it. */
export interface Profile {
  nodes: { id: number; callFrame: CallFrame; children?: number[] }[];
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

/** A function in a stack: its name, and the file that it was bundled from; none where it is not JavaScript. */
export interface Frame {
  name: string;
  file: string | undefined;
}

/**
 * How long each step ran, in microseconds. Each sample counts for one step: that of the innermost function that belongs
 * to one. What a function awaits is no part of it: it is run by the runtime, not by the function.
 * @param script the bundle, in which esbuild says before each file what comes from it
 * @param stepOf the step that a function belongs to, by itself and its caller; undefined where the caller's is meant
 * @param otherwise the step of what belongs to none
 */
export function microsecondsOf(
  { nodes, samples, timeDeltas }: Profile,
  script: string,
  stepOf: (frame: Frame, caller: Frame | undefined) => string | undefined,
  otherwise: string,
): Map<string, number> {
  const fileAt = filesOf(script);
  const parents = new Map<number, number>();
  for (const { id, children = [] } of nodes) for (const child of children) parents.set(child, id);
  const frames = new Map(
    nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => [
      id,
      { name: functionName, file: url === "" ? undefined : fileAt(lineNumber) },
    ]),
  );
  const steps = new Map<number, string>();
  const find = (id: number): string => {
    const parent = parents.get(id);
    const caller = parent === undefined ? undefined : frames.get(parent);
    const known = steps.get(id) ?? stepOf(frames.get(id) as Frame, caller);
    const step = known ?? (parent === undefined ? otherwise : find(parent));
    steps.set(id, step);
    return step;
  };
  const found = new Map<string, number>();
  samples.forEach((id, i) => {
    const step = find(id);
    found.set(step, (found.get(step) ?? 0) + (timeDeltas[i] ?? 0));
  });
  return found;
}

/** Tells of each line of a bundle, counted from 0, which file it comes from. */
function filesOf(script: string): (line: number) => string | undefined {
  let file: string | undefined;
  const files = script.split("\n").map((line) => {
    file = line.match(/^\/\/ ((?:src|node_modules)\/\S+)$/)?.[1] ?? file;
    return file;
  });
  return (line) => files[line];
}
