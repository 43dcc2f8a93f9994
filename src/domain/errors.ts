/** Every error that a caller can meet, and its HTTP status. The set is closed: clients may switch on it. */
export const ERROR_STATUS = {
  invalid_input: 400,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  too_large: 413,
  too_many_requests: 429,
  internal: 500,
  not_configured: 503,
  unavailable: 503,
} as const;

/** The name of an error that a caller can meet. */
export type ErrorCode = keyof typeof ERROR_STATUS;

/** An error that is the caller's to know; `hint` is one sentence that says what is accepted. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly headers: Record<string, string>;

  constructor(code: ErrorCode, hint: string, headers: Record<string, string> = {}) {
    super(hint);
    this.name = "AppError";
    this.code = code;
    this.headers = headers;
  }

  get status() {
    return ERROR_STATUS[this.code];
  }
}
