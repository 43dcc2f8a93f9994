import { spawnSync } from "node:child_process";
import { join, resolve } from "node:path";

const CLIENTS = resolve(import.meta.dirname, "../../../clients");
const VITEST = resolve(CLIENTS, "../node_modules/.bin/vitest");

/** A language that has a client, and how its programs are run. */
export interface Language {
  name: string;
  /** Commands that work where the language is present. */
  tools: string[][];
  cwd: string;
  /** What has to be done before its program is run. */
  prepare: string[] | undefined;
  /** The client's own tests. */
  tests: string[];
  /** The program that pulses until it is told to end; it takes service, interval and promise. */
  pulser: string[];
  /** The program that queues events and ends when they are sent; it takes service and count. */
  events: string[];
}

const javaProgram = (name: string) => [
  ...["java", "-cp", "target/classes:target/test-classes"],
  `io.github.lucasmouilleron.watchtower.programs.${name}`,
];

const ALL: Language[] = [
  {
    name: "JavaScript",
    tools: [[process.execPath, "--version"]],
    cwd: join(CLIENTS, "javascript"),
    prepare: undefined,
    tests: [VITEST, "run", "--root", "."],
    pulser: [process.execPath, "test/programs/pulser.ts"],
    events: [process.execPath, "test/programs/events.ts"],
  },
  {
    name: "Python",
    tools: [["python3", "--version"]],
    cwd: join(CLIENTS, "python"),
    prepare: undefined,
    tests: ["python3", "-W", "error", "-m", "unittest", "discover", "-s", "tests", "-t", "."],
    pulser: ["python3", "tests/programs/pulser.py"],
    events: ["python3", "tests/programs/events.py"],
  },
  {
    name: "Java",
    tools: [
      ["javac", "-version"],
      ["mvn", "--version"],
    ],
    cwd: join(CLIENTS, "java"),
    prepare: ["mvn", "-q", "-B", "test-compile"],
    tests: ["mvn", "-B", "-ntp", "test"],
    pulser: javaProgram("PulserProgram"),
    events: javaProgram("EventsProgram"),
  },
];

/** The languages that this machine has. In CI it has to have all of them; elsewhere a line says which are left out. */
export const languages: Language[] = ALL.filter(({ name, tools }) => {
  const isPresent = tools.every(([command = "", ...args]) => spawnSync(command, args).status === 0);
  if (!isPresent && process.env.CI) throw new Error(`${name} is missing, and CI has to test its client.`);
  if (!isPresent) console.warn(`The ${name} client is not tested here: ${name} is not on this machine.`);
  return isPresent;
});
