// Trying again: how often, and how long to wait in between.
import { CompressionError } from "./problem.js";

const WAITS_MS = [1000, 2000, 4000, 8000, 8000, 8000];
const LONGEST_WAIT_MS = 30_000;

/**
 * Return what `task()` returns; where it fails with what passes by itself, pause and try again.
 * `onPause` hears why. Rejects with the signal's reason once it has aborted.
 */
export async function persist(task, { signal, onPause }) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await task();
    } catch (error) {
      signal.throwIfAborted();
      const hopeless = !(error instanceof CompressionError) || !error.passing;
      if (hopeless || attempt >= WAITS_MS.length) throw error;
      onPause(error.message);
      const waitMs = Math.max(error.retryAfterMs, WAITS_MS[attempt]);
      await pause(Math.min(waitMs, LONGEST_WAIT_MS), signal);
    }
  }
}

/** Resolve after a while; reject with the signal's reason if it aborts before. */
export function pause(waitMs, signal) {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, waitMs);
    signal.addEventListener("abort", stop);
  });
}
