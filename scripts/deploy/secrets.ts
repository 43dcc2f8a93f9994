import { randomBytes } from "node:crypto";

/** What a deploy sets in the Worker: only these names are taken from the environment. */
export type Secrets = Partial<Record<(typeof secretNames)[number], string>>;

const passwordNames = ["PASSWORD", "PASSWORD_PREVIOUS", "PASSWORD_READ"] as const;

const secretNames = [
  ...passwordNames,
  "PULSE_KEY_SECRET",
  "PUSHOVER_TOKEN",
  "MAILCHANNELS_API_KEY",
  "WEBHOOK_SECRET",
] as const;

/** The secrets that the environment gives; throws where a password could not travel in a header as it is. */
export function givenSecrets(env: NodeJS.ProcessEnv): Secrets {
  const secrets: Secrets = {};
  for (const name of secretNames) {
    const value = env[name];
    if (value) secrets[name] = value;
  }
  for (const name of passwordNames) {
    if (!/^[!-~]([ -~]*[!-~])?$/.test(secrets[name] ?? "none")) {
      throw new Error(`${name} must be printable ASCII, without a space at either end`);
    }
  }
  return secrets;
}

/** A password of 192 random bits in letters, digits, `-` and `_`, which need no quotes in a shell or a URL. */
export function newPassword(): string {
  return randomBytes(24).toString("base64url");
}
