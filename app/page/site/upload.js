// Uploads a photo by POST /compress, which returns a job at once.
import { parseProblem, unreachable } from "./problem.js";

/** Resolves with the job (docs/api.md); `onSent` is called with the fraction sent, from 0 to 1. */
export function upload(file, query, { headers, signal, onSent }) {
  return new Promise((resolve, reject) => {
    // XMLHttpRequest reports upload progress; fetch() does not.
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    const settle = (callback, value) => {
      signal.removeEventListener("abort", abort);
      callback(value);
    };
    request.open("POST", `compress?${query}`);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("Prefer", "respond-async");
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) onSent(event.loaded / event.total);
    });
    request.upload.addEventListener("load", () => onSent(1));
    request.addEventListener("load", () => {
      const { status, responseText: text } = request;
      if (status !== 202) {
        settle(reject, parseProblem(status, text, request.getResponseHeader("Retry-After")));
        return;
      }
      try {
        settle(resolve, JSON.parse(text));
      } catch {
        settle(reject, unreachable());
      }
    });
    request.addEventListener("error", () => settle(reject, unreachable()));
    request.addEventListener("abort", () => settle(reject, signal.reason));
    signal.throwIfAborted();
    signal.addEventListener("abort", abort);
    request.send(file);
  });
}
