// What can go wrong with a photo, in words for the person whose photo it is.

// These pass by themselves: the queue is full, no worker is there yet, the connection broke.
const PASSING = new Set([0, 429, 503]);

/** An error that a person is told; `passing` when the same may work in a moment. */
export class CompressionError extends Error {
  constructor(message, { status = -1, code = "", retryAfterMs = 0 } = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }

  get passing() {
    return PASSING.has(this.status);
  }

  /** Whether to offer another try. */
  get again() {
    return this.passing || this.status >= 500;
  }
}

/** The service didn't answer. */
export function unreachable() {
  return new CompressionError("The service can't be reached.", { status: 0 });
}

/** What an answer other than 2xx says; `body` should be a problem document (RFC 9457). */
export function refusal(status, body, retryAfter) {
  let problem;
  try {
    problem = JSON.parse(body) ?? {};
  } catch {
    problem = {};
  }
  return described(problem, { status, retryAfterMs: Number(retryAfter) * 1000 || 0 });
}

/** A problem document as an error. */
export function described({ type, title, detail, status: own }, { status = own, retryAfterMs = 0 } = {}) {
  const code = String(type ?? "").split(":").pop();
  const words = detail ?? title ?? `The service answered with error ${status}.`;
  return new CompressionError(words, { status, code, retryAfterMs });
}
