// Compresses one photo: uploads it, waits for its job, fetches the pictures, deletes the job.
import { awaitJob, deleteJob, fetchPicture } from "./jobs.js";
import { CompressionError, toError } from "./problem.js";
import { retry } from "./retry.js";
import { upload } from "./upload.js";

/**
 * Resolves with the result of `file`; rejects with a CompressionError or, when `signal` aborts, with
 * its reason. `onState` is called with {state, …}: "sending" (`sent`, from 0 to 1), "queued"
 * (`position`, from 1), "working", or "pausing" (`reason`, a sentence).
 */
export async function compress(file, query, { key, signal, onState }) {
  try {
    await file.slice(0, 1).arrayBuffer();
  } catch {
    throw new CompressionError("This file can't be read. Is it a folder, or was it moved?");
  }
  const headers = key ? { Authorization: `Bearer ${key}` } : {};
  const onPause = (reason) => onState({ state: "pausing", reason });
  return retry(() => compressOnce(file, query, { headers, signal, onState, onPause }), { signal, onPause });
}

async function compressOnce(file, query, { headers, signal, onState, onPause }) {
  onState({ state: "sending", sent: 0 });
  const onSent = (sent) => onState({ state: "sending", sent });
  const job = await upload(file, query, { headers, signal, onSent });
  try {
    const onJob = ({ state, position }) =>
      onState(state === "queued" ? { state, position } : { state: "working" });
    const ended = await awaitJob(job, { headers, signal, onJob, onPause });
    if (ended.error) throw toError(ended.error);
    const [photo, map] = await Promise.all(
      ["image", "heatmap"].map(
        (name) => ended.links[name] && fetchPicture(job, name, { headers, signal, onPause }),
      ),
    );
    return toResult(ended.result, photo, map ?? null);
  } catch (error) {
    // The service has lost the job, for example by a restart: the photo can be sent again.
    if (error.status === 404 || error.status === 410) {
      throw new CompressionError("The service has lost this photo.", { status: 503 });
    }
    throw error;
  } finally {
    deleteJob(job, { headers });
  }
}

function toResult(statistics, image, heatmap) {
  return {
    image,
    heatmap,
    originalBytes: statistics.original_bytes,
    compressedBytes: image.size,
    referenceBytes: statistics.reference_bytes,
    format: statistics.format,
    passthrough: statistics.passthrough,
    width: statistics.width,
    height: statistics.height,
    crop: statistics.crop ?? null,
    regions: statistics.regions ?? null,
    stages: Object.entries(statistics.stage_ms),
  };
}
