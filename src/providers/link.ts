import type { Config } from "../config.ts";

/** Where an alert leads to: the web interface, where its address is configured. */
export function linkOf({ publicUrl }: Config): string | undefined {
  return publicUrl && `${publicUrl}/gui`;
}
