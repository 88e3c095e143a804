// Repeats what fails temporarily, with pauses in between.
import { CompressionError } from "./problem.js";

const PAUSES_MS = [1000, 2000, 4000, 8000, 8000, 8000];
const MAX_PAUSE_MS = 30_000;

/**
 * Return what `task()` returns; after a temporary error call it again, after `onPause` was called with
 * the reason. Rejects with the last error, or with the signal's reason if it aborts.
 */
export async function retry(task, { signal, onPause }) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await task();
    } catch (error) {
      signal.throwIfAborted();
      const temporary = error instanceof CompressionError && error.temporary;
      if (!temporary || attempt >= PAUSES_MS.length) throw error;
      onPause(error.message);
      const pauseMs = Math.max(error.retryAfterMs, PAUSES_MS[attempt]);
      await pause(Math.min(pauseMs, MAX_PAUSE_MS), signal);
    }
  }
}

/** Resolves after `pauseMs`; rejects with the signal's reason if it aborts before. */
export function pause(pauseMs, signal) {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, pauseMs);
    signal.addEventListener("abort", stop);
  });
}
