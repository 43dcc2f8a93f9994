/** Who asks, by what was given as the password. A device has a pulse key of its service. */
export type Caller = { role: "admin" } | { role: "reader" } | Device;

/** Who may pulse and cancel one service, and nothing else. */
export interface Device {
  role: "device";
  service: string;
  /** That of its key. */
  version: number;
}
