/** How the launcher speaks: to people, or in one JSON line for each thing, as the Worker does. */
export type LogFormat = "text" | "json";

/** How serious something is; warnings and errors go to stderr. */
type Level = "info" | "warn" | "error";

/** What the launcher says, and what it passes on of the Worker's. */
export interface Voice {
  /** Says one thing: its text, or its event with the fields. */
  say(level: Level, event: string, text: string, fields?: Record<string, string | number | undefined>): void;
  /** Passes on a line that the Worker or its runtime wrote. */
  pass(level: Level, line: string): void;
}

/** Makes a voice. Its events are listed in docs/operations.md. */
export function makeVoice(format: LogFormat): Voice {
  if (format === "text") {
    return {
      say: (level, _, text) => print(level, text),
      pass: print,
    };
  }
  const say = (level: Level, event: string, fields: object) =>
    print(level, JSON.stringify({ level, event, ...fields }));
  return {
    say: (level, event, _, fields = {}) => say(level, event, fields),
    // The runtime's own words, and the stack of what nobody caught, are no JSON.
    pass: (level, line) => (isObject(line) ? print(level, line) : say(level, "runtime.said", { text: line })),
  };
}

function print(level: Level, line: string): void {
  if (level === "info") console.log(line);
  else console.error(line);
}

function isObject(line: string): boolean {
  try {
    return line.startsWith("{") && typeof JSON.parse(line) === "object";
  } catch {
    return false;
  }
}
