// One photo through POST /compress: its upload's progress, its answer, and when to try again.
import { partsOf } from "./multipart.js";

const RETRIES_MS = [1000, 2000, 4000, 8000, 8000, 8000];
const PASSING = new Set([429, 503]);

/** What went wrong, in words for the person whose photo it is. */
export class CompressionError extends Error {
  constructor(message, { code = "", again = false } = {}) {
    super(message);
    this.code = code;
    this.again = again;
  }
}

/**
 * Compress `file`; resolves with the result, rejects with a CompressionError or, when `signal`
 * aborts, with its reason. `onState` hears {state, sent} with state "sending" (sent from 0 to 1),
 * "working" or "pausing" (with `words`).
 */
export async function compress(file, query, { signal, onState }) {
  try {
    await file.slice(0, 1).arrayBuffer();
  } catch {
    throw new CompressionError("This file can't be read. Is it a folder, or has it moved?");
  }
  for (let attempt = 0; ; attempt += 1) {
    onState({ state: "sending", sent: 0 });
    const answer = await send(file, query, { signal, onState });
    if (answer.status === 200) return readResult(answer);
    const problem = answer.status === 0 ? {} : readProblem(answer);
    const words = problem.detail ?? problem.title ?? unexplained(answer.status);
    const passing = answer.status === 0 || PASSING.has(answer.status);
    if (!passing || attempt >= RETRIES_MS.length) {
      throw new CompressionError(words, {
        code: String(problem.type ?? "").split(":").pop(),
        again: passing || answer.status >= 500,
      });
    }
    const askedMs = Number(answer.header("Retry-After")) * 1000 || 0;
    onState({ state: "pausing", words });
    await pause(Math.min(Math.max(askedMs, RETRIES_MS[attempt]), 30_000), signal);
  }
}

function unexplained(status) {
  return status === 0 ? "The service can't be reached." : `The service answered with error ${status}.`;
}

/** Resolves with {status, header(name), body}; status 0 when there was no answer. */
function send(file, query, { signal, onState }) {
  return new Promise((resolve, reject) => {
    // fetch() doesn't tell how much of a body is sent; XMLHttpRequest does.
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    const settle = (how, what) => {
      signal.removeEventListener("abort", abort);
      how(what);
    };
    const done = () =>
      settle(resolve, {
        status: request.status,
        header: (name) => request.getResponseHeader(name) ?? "",
        body: request.response,
      });
    request.open("POST", `/compress?${query}`);
    request.responseType = "arraybuffer";
    request.setRequestHeader("Accept", "multipart/mixed, image/jpeg, application/problem+json");
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) onState({ state: "sending", sent: event.loaded / event.total });
    });
    request.upload.addEventListener("load", () => onState({ state: "working", sent: 1 }));
    request.addEventListener("load", done);
    request.addEventListener("error", () => settle(resolve, { status: 0, header: () => "" }));
    request.addEventListener("abort", () => settle(reject, signal.reason));
    signal.throwIfAborted();
    signal.addEventListener("abort", abort);
    request.send(file);
  });
}

function readProblem({ body }) {
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch {
    return {};
  }
}

function readResult({ header, body }) {
  const type = header("Content-Type");
  let image = new Blob([body], { type: "image/jpeg" });
  let heatmap = null;
  if (type.startsWith("multipart/mixed")) {
    try {
      [image, heatmap = null] = partsOf(body, type);
    } catch {
      throw new CompressionError("The answer can't be read.", { again: true });
    }
  }
  return {
    image,
    heatmap,
    originalBytes: Number(header("X-Original-Bytes")),
    compressedBytes: image.size,
    referenceBytes: Number(header("X-Reference-Bytes")),
    passthrough: header("X-Passthrough") === "true",
    stages: readStages(header("Server-Timing")),
  };
}

/** Return [[stage, milliseconds], …] of a Server-Timing header. */
function readStages(timing) {
  return [...timing.matchAll(/([\w-]+);dur=([\d.]+)/g)].map(([, stage, ms]) => [stage, Number(ms)]);
}

function pause(waitMs, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, waitMs);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
