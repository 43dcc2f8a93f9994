import { createReadStream, existsSync } from "node:fs";
import { resolve } from "node:path";
import { Refusal, runProgram } from "./local/refusal.ts";
import { Remote } from "./local/remote.ts";
import { readSettings } from "./local/settings.ts";

const ROOT = resolve(import.meta.dirname, "..");

/** What an import may have, as docs/protocol.md says, with room to spare. */
const MOST_LINES = 500;
const MOST_BYTES = 900_000;

/** Brings what an export holds into a watchTower. To do it twice does no harm. */
async function importAll(): Promise<void> {
  const [given, ...more] = process.argv.slice(2);
  if (given === undefined || more.length > 0) throw new Refusal("Usage: npm run import -- FILE");
  const file = resolve(given);
  if (!existsSync(file)) throw new Refusal(`There is no ${file}.`);
  const expected = await checkWhole(file);
  const remote = new Remote(process.env, readSettings(ROOT, process.env));
  let news = 0;
  let refused = 0;
  let batch: string[] = [];
  let bytes = 0;
  const send = async () => {
    if (batch.length === 0) return;
    const answer = remote.parse<Answer>(await remote.ask("/import", { method: "POST", body: batch.join("\n") }));
    news += answer.news;
    refused += answer.refused.length;
    for (const { index, hint } of answer.refused) console.error(`Refused: ${hint} ${batch[index]?.slice(0, 200)}`);
    batch = [];
    bytes = 0;
  };
  for await (const line of linesOf(file)) {
    if (/^\{"kind":"(watchtower-export|end)"/.test(line)) continue;
    const length = Buffer.byteLength(line) + 1;
    if (batch.length === MOST_LINES || bytes + length > MOST_BYTES) await send();
    batch.push(line);
    bytes += length;
  }
  await send();
  console.log(`${remote.url} has taken ${expected - refused} lines of ${expected}; ${news} of them were news to it.`);
  if (refused > 0) throw new Refusal(`${refused} lines were refused, for the reasons above; all others are in.`);
}

interface Answer {
  news: number;
  refused: { index: number; hint: string }[];
}

/** How many lines there are to import; nothing is sent of a file that is no whole export. */
async function checkWhole(file: string): Promise<number> {
  let count = 0;
  let first: string | undefined;
  let last = "";
  for await (const line of linesOf(file)) {
    first ??= line;
    last = line;
    count++;
  }
  if (!first?.startsWith('{"kind":"watchtower-export"')) throw new Refusal(`${file} is no export of a watchTower.`);
  if (!last.startsWith('{"kind":"end"')) throw new Refusal(`${file} is not whole: its last line is missing.`);
  const { kind: _, ...counts } = JSON.parse(last) as Record<string, number>;
  const expected = Object.values(counts).reduce((sum, of) => sum + of, 0);
  if (expected !== count - 2) throw new Refusal(`${file} is not whole: it has ${count - 2} lines of ${expected}.`);
  return expected;
}

/** Not by readline, which also ends lines at U+2028: that is a character like any other in JSON. */
async function* linesOf(file: string): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of createReadStream(file, "utf8")) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() as string;
    yield* lines;
  }
  if (rest !== "") yield rest;
}

await runProgram(importAll);
