// A job's way through the queue: its events, its pictures, its end.
import { pause, persist } from "./patience.js";
import { refusal, unreachable } from "./problem.js";

/**
 * Return the job once it has ended; `onJob` hears each change of its state or place, `onPause` why
 * the connection is being made again.
 */
export async function follow(job, { headers, signal, onJob, onPause }) {
  let now = job;
  for (;;) {
    if (now.state === "finished" || now.state === "failed") return now;
    onJob(now);
    const stream = { retryMs: 1000 };
    const listen = async () => {
      // A key can't be sent with an EventSource, so the stream is read here.
      const response = await get(`${job.links.self}/events`, { headers, signal });
      for await (const event of eventsOf(response, stream)) {
        if (event.id === undefined) continue; // not a job; the next round tells why
        now = event;
        onJob(now);
      }
    };
    await persist(listen, { signal, onPause });
    // Streams end after a while, so that nobody's keeps a service from stopping.
    if (now.state !== "finished" && now.state !== "failed") await pause(stream.retryMs, signal);
  }
}

/** Return the picture at `path` as a blob. */
export function picture(path, { headers, signal, onPause }) {
  const load = async () => {
    const response = await get(path, { headers, signal });
    return response.blob().catch(lost(signal));
  };
  return persist(load, { signal, onPause });
}

/** Have a job and its pictures removed; also while this page is closed. */
export function forget(job, { headers }) {
  fetch(job.links.self, { method: "DELETE", headers, keepalive: true }).catch(() => {
    // Unreachable: it will expire by itself.
  });
}

async function get(path, { headers, signal }) {
  const response = await fetch(path, { headers, signal, cache: "no-store" }).catch(lost(signal));
  if (response.ok) return response;
  const body = await response.text().catch(lost(signal));
  throw refusal(response.status, body, response.headers.get("Retry-After"));
}

function lost(signal) {
  return () => {
    signal.throwIfAborted();
    throw unreachable();
  };
}

/** Yield the data of server-sent events as they come; what they say of retrying goes to `stream`. */
async function* eventsOf(response, stream) {
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
