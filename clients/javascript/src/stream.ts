/** The lines of a text that comes in chunks, without their ends. `whenCut` is called where the last one has no end. */
export async function* linesOf(
  chunks: AsyncIterable<string>,
  whenCut: () => void = () => undefined,
): AsyncGenerator<string, void, undefined> {
  let rest = "";
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() as string;
    for (const line of lines) yield line.endsWith("\r") ? line.slice(0, -1) : line;
  }
  if (rest !== "") whenCut();
}

/** A message of Server-Sent Events; what it doesn't say is undefined. */
export interface Message {
  id?: string;
  data?: string;
  retryMs?: number;
}

/** The messages of Server-Sent Events: those without data, too, since they may have an id. Comments are left out. */
export async function* messagesOf(lines: AsyncIterable<string>): AsyncGenerator<Message, void, undefined> {
  let message: Message = {};
  let isNamed = false;
  for await (const line of lines) {
    if (line === "") {
      if (isNamed) delete message.data;
      if (Object.keys(message).length > 0) yield message;
      message = {};
      isNamed = false;
      continue;
    }
    const [, name, value = ""] = /^([^:]*)(?:: ?(.*))?$/su.exec(line) ?? [];
    if (name === "id") message.id = value;
    else if (name === "data") message.data = message.data === undefined ? value : `${message.data}\n${value}`;
    else if (name === "retry" && /^\d+$/.test(value)) message.retryMs = Number(value);
    // Of messages by another name we know nothing.
    else if (name === "event") isNamed = value !== "message" && value !== "";
  }
}
