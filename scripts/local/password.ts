import { randomInt } from "node:crypto";
import { appendFileSync, chmodSync, existsSync, readFileSync } from "node:fs";

// Without letters and digits that look alike. No character means anything to a shell or in a URL.
const ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789";

/** Makes a password and keeps it in `.dev.vars`, which only its owner may read from then on. */
export function makePassword(devVarsFile: string): string {
  const password = newPassword();
  const before = existsSync(devVarsFile) ? readFileSync(devVarsFile, "utf8") : "";
  const lineBreak = before === "" || before.endsWith("\n") ? "" : "\n";
  appendFileSync(devVarsFile, `${lineBreak}PASSWORD=${password}\n`, { mode: 0o600 });
  // The mode above is for a new file only.
  chmodSync(devVarsFile, 0o600);
  return password;
}

/** 99 random bits, in groups of four that can be read out and typed. */
function newPassword(): string {
  const group = () => Array.from({ length: 4 }, () => ALPHABET[randomInt(ALPHABET.length)]).join("");
  return Array.from({ length: 5 }, group).join("-");
}
