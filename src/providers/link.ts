import type { Config } from "../config.ts";
import type { Message } from "../domain/digest.ts";
import { pathOfEvents, pathOfService } from "../paths.ts";

/** Where a message leads to: what the web interface has of it, where its address is configured. */
export function linkOf({ publicUrl }: Config, message: Message): string | undefined {
  return publicUrl && publicUrl + pathOf(message);
}

function pathOf(message: Message): string {
  switch (message.kind) {
    case "digest":
      return "/gui";
    // Who sends events need not pulse, and then has no page.
    case "event":
      return pathOfEvents(message.service);
    default:
      return pathOfService(message.service);
  }
}
