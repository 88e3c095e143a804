// Requests about a job: its events, its pictures, its removal. Their paths are relative to the page,
// which a proxy may serve under a prefix that the service doesn't know.
import { parseProblem, unreachable } from "./problem.js";
import { pause, retry } from "./retry.js";

/**
 * Return the job when it has ended. `onJob` is called when its state or position changes, `onPause`
 * with the reason when the connection was lost.
 */
export async function awaitJob(job, { headers, signal, onJob, onPause }) {
  let now = job;
  for (;;) {
    if (now.state === "finished" || now.state === "failed") return now;
    onJob(now);
    const stream = { retryMs: 1000 };
    const listen = async () => {
      // An EventSource can't send a key, so the stream is read here.
      const response = await get(`jobs/${job.id}/events`, { headers, signal });
      for await (const event of readEvents(response, stream)) {
        if (event.id === undefined) continue; // the job is gone: the next request fails and says why
        now = event;
        onJob(now);
      }
    };
    await retry(listen, { signal, onPause });
    // The service ends each stream after some time, so that none delays its shutdown.
    if (now.state !== "finished" && now.state !== "failed") await pause(stream.retryMs, signal);
  }
}

/** Return a job's picture, "image" or "heatmap", as a Blob. */
export function fetchPicture(job, name, { headers, signal, onPause }) {
  const load = async () => {
    const response = await get(`jobs/${job.id}/${name}`, { headers, signal });
    return response.blob().catch(raiseUnreachable(signal));
  };
  return retry(load, { signal, onPause });
}

/** Delete a job and its pictures, even while the page is being closed. */
export function deleteJob(job, { headers }) {
  fetch(`jobs/${job.id}`, { method: "DELETE", headers, keepalive: true }).catch(() => {
    // Unreachable: the job will expire.
  });
}

async function get(path, { headers, signal }) {
  const response = await fetch(path, { headers, signal, cache: "no-store" }).catch(raiseUnreachable(signal));
  if (response.ok) return response;
  const body = await response.text().catch(raiseUnreachable(signal));
  throw parseProblem(response.status, body, response.headers.get("Retry-After"));
}

/** Return a handler of failed requests: they were aborted, or the service is unreachable. */
function raiseUnreachable(signal) {
  return () => {
    signal.throwIfAborted();
    throw unreachable();
  };
}

/** Yield the data of server-sent events; sets `stream.retryMs` when an event has a `retry` field. */
async function* readEvents(response, stream) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read().catch(() => {
      throw unreachable();
    });
    if (done) return;
    const blocks = (text + value).split(/\r?\n\r?\n/);
    text = blocks.pop();
    for (const block of blocks) {
      const fields = Object.fromEntries(
        block.split(/\r?\n/).map((line) => /^(\w*): ?(.*)$/.exec(line)?.slice(1) ?? ["", line]),
      );
      if (fields.retry) stream.retryMs = Number(fields.retry);
      if (fields.data) yield fields.event === "gone" ? {} : JSON.parse(fields.data);
    }
  }
}
