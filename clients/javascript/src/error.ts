/** What went wrong with a call. */
export class WatchTowerError extends Error {
  /** The HTTP status; 0 where there was no answer. */
  readonly status: number;
  /** What the server calls the error, from a closed set; empty where it says nothing. */
  readonly code: string;
  /** One sentence on what is wrong, and what is accepted. */
  readonly hint: string;
  /** How many seconds the server asks to wait; undefined where it doesn't. */
  readonly retryAfter: number | undefined;

  constructor(what: string, status: number, code: string, hint: string, retryAfter?: number) {
    super(status === 0 ? `${what}: ${hint}` : `${what} (${status}): ${hint}`);
    this.name = "WatchTowerError";
    this.status = status;
    this.code = code;
    this.hint = hint;
    this.retryAfter = retryAfter;
  }

  /** Whether the same call may succeed later: there was no answer, or one that asks for patience. */
  get isTemporary(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}
