// Errors of a photo, with messages for the user.

// No connection, the queue is full, no worker is ready.
const TEMPORARY_STATUSES = new Set([0, 429, 503]);
const SLOW_UPLOAD = 408;

/** An error whose message the user sees. */
export class CompressionError extends Error {
  constructor(message, { status = -1, code = "", retryAfterMs = 0 } = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }

  /** Whether the same request may soon succeed. */
  get temporary() {
    return TEMPORARY_STATUSES.has(this.status);
  }

  /** Whether the user is offered to try again. */
  get retryable() {
    return this.temporary || this.status === SLOW_UPLOAD || this.status >= 500;
  }
}

/** Return the error of a request without a response. */
export function unreachable() {
  return new CompressionError("The service can't be reached.", { status: 0 });
}

/** Return the error of a response that is not 2xx; `body` should be a problem document (RFC 9457). */
export function parseProblem(status, body, retryAfter) {
  let problem;
  try {
    problem = JSON.parse(body) ?? {};
  } catch {
    problem = {};
  }
  return toError(problem, { status, retryAfterMs: Number(retryAfter) * 1000 || 0 });
}

/** Return a problem document as an error. */
export function toError({ type, title, detail, status: own }, { status = own, retryAfterMs = 0 } = {}) {
  const code = String(type ?? "").split(":").pop();
  const message = detail ?? title ?? `The service responded with error ${status}.`;
  return new CompressionError(message, { status, code, retryAfterMs });
}
