// One photo through the service: uploaded, followed through the queue, fetched, forgotten there.
import { follow, forget, picture } from "./jobs.js";
import { persist } from "./patience.js";
import { CompressionError, described } from "./problem.js";
import { upload } from "./upload.js";

/**
 * Compress `file`; resolves with the result, rejects with a CompressionError or, when `signal`
 * aborts, with its reason. `onState` hears {state, …}: "sending" (`sent` from 0 to 1), "queued"
 * (`position` from 1), "working" or "pausing" (`words` say why).
 */
export async function compress(file, query, { key, signal, onState }) {
  try {
    await file.slice(0, 1).arrayBuffer();
  } catch {
    throw new CompressionError("This file can't be read. Is it a folder, or has it moved?");
  }
  const headers = key ? { Authorization: `Bearer ${key}` } : {};
  const onPause = (words) => onState({ state: "pausing", words });
  return persist(() => attempt(file, query, { headers, signal, onState, onPause }), { signal, onPause });
}

async function attempt(file, query, { headers, signal, onState, onPause }) {
  onState({ state: "sending", sent: 0 });
  const onSent = (sent) => onState({ state: "sending", sent });
  const job = await upload(file, query, { headers, signal, onSent });
  try {
    const onJob = ({ state, position }) =>
      onState(state === "queued" ? { state, position } : { state: "working" });
    const ended = await follow(job, { headers, signal, onJob, onPause });
    if (ended.error) throw described(ended.error);
    const { image, heatmap } = ended.links;
    const [jpeg, map] = await Promise.all(
      [image, heatmap].map((path) => path && picture(path, { headers, signal, onPause })),
    );
    return resultOf(ended.result, jpeg, map ?? null);
  } catch (error) {
    // A service that has lost the job, with its memory, can still do it again.
    if (error.status === 404 || error.status === 410) {
      throw new CompressionError("The service has lost this photo.", { status: 503 });
    }
    throw error;
  } finally {
    forget(job, { headers });
  }
}

function resultOf(statistics, image, heatmap) {
  return {
    image,
    heatmap,
    originalBytes: statistics.original_bytes,
    compressedBytes: image.size,
    referenceBytes: statistics.reference_bytes,
    passthrough: statistics.passthrough,
    width: statistics.width,
    height: statistics.height,
    stages: Object.entries(statistics.stage_ms),
  };
}
