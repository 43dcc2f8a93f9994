import { randomInt } from "node:crypto";
import { appendFileSync, chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

// Without letters and digits that look alike. No character means anything to a shell or in a URL.
const ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789";

/** A password that was made for its user, and where it is kept. */
export interface KeptPassword {
  password: string;
  /** Absolute. */
  file: string;
}

/**
 * The password of a service that was given none: that which is kept in the state folder, or a new one, which is kept
 * in `.dev.vars`; in the state folder where the project's can't be written, as in a container. Only its owner may read
 * the file.
 */
export function keepPassword(devVarsFile: string, stateDir: string): KeptPassword {
  const stateFile = fileIn(stateDir);
  const kept = readPassword({ stateDir });
  if (kept !== undefined) return { password: kept, file: stateFile };
  const password = newPassword();
  try {
    appendToDevVars(devVarsFile, password);
    return { password, file: devVarsFile };
  } catch (error) {
    if (!["EROFS", "EACCES", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    writeFileSync(stateFile, `${password}\n`, { mode: 0o600 });
    return { password, file: stateFile };
  }
}

/** The password that is kept in the state folder; undefined where there is none. */
export function readPassword({ stateDir }: { stateDir: string }): string | undefined {
  const file = fileIn(stateDir);
  return existsSync(file) ? readFileSync(file, "utf8").trim() : undefined;
}

function fileIn(stateDir: string): string {
  return join(stateDir, "password");
}

function appendToDevVars(file: string, password: string): void {
  const before = existsSync(file) ? readFileSync(file, "utf8") : "";
  const lineBreak = before === "" || before.endsWith("\n") ? "" : "\n";
  appendFileSync(file, `${lineBreak}PASSWORD=${password}\n`, { mode: 0o600 });
  // The mode above is for a new file only.
  chmodSync(file, 0o600);
}

/** 99 random bits, in groups of four that can be read out and typed. */
function newPassword(): string {
  const group = () => Array.from({ length: 4 }, () => ALPHABET[randomInt(ALPHABET.length)]).join("");
  return Array.from({ length: 5 }, group).join("-");
}
