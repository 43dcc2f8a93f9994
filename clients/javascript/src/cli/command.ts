/** What commands get of their surroundings. */
export interface Surroundings {
  env: NodeJS.ProcessEnv;
  /** Prints a line to stdout. */
  print: (line: string) => void;
  /** Writes a text to stdout as it is, and waits until there is room for more. */
  write: (text: string) => Promise<void>;
  /** Prints a line to stderr. */
  warn: (line: string) => void;
  /** Tells of an error in one line. */
  report: (error: unknown) => void;
}

/** A command: takes what comes after its name, and returns the exit code. */
export type Command = (args: string[], surroundings: Surroundings) => Promise<number>;
