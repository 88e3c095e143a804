// The photos of this visit: the state of each, and how many are in progress at a time.
import { compress } from "./compression.js";
import { CompressionError } from "./problem.js";
import { formatBytes } from "./format.js";

// More would fill larger batches, but delay the first result.
const MAX_IN_PROGRESS = 3;

/**
 * Holds photos; fires "add", "change" and "remove", each with the photo as `detail`. A photo's state
 * is "waiting", "sending", "queued", "working", "pausing", "done" or "failed". A photo keeps its
 * result until there is a new one.
 */
export class Collection extends EventTarget {
  photos = [];
  key = ""; // sent with each request, if the service requires one
  #query = "";
  #maxUploadBytes;
  #needsKey;
  #nextId = 1;

  constructor({ maxUploadBytes, needsKey }) {
    super();
    this.#maxUploadBytes = maxUploadBytes;
    this.#needsKey = needsKey;
  }

  add(files) {
    for (const file of files) {
      const photo = { id: this.#nextId, file, name: file.name || "pasted.png", result: null };
      this.#nextId += 1;
      this.photos.push(photo);
      this.#fire("add", photo);
      this.#reset(photo);
    }
    this.#advance();
  }

  remove(photo) {
    photo.controller?.abort();
    this.photos = this.photos.filter((other) => other !== photo);
    this.#fire("remove", photo);
    this.#advance();
  }

  /** Compress every photo again with other options; cancel those in progress. */
  setOptions(query) {
    if (query === this.#query) return;
    this.#query = query;
    for (const photo of this.photos) {
      photo.controller?.abort();
      this.#reset(photo);
    }
    this.#advance();
  }

  retry(photo) {
    this.#reset(photo);
    this.#advance();
  }

  /** Cancel the photos in progress, so that the service does no work for a closed page. */
  suspend() {
    for (const photo of this.photos) {
      if (!photo.controller) continue;
      photo.controller.abort();
      this.#reset(photo);
    }
  }

  /** Continue after `suspend`. */
  resume() {
    this.#advance();
  }

  #reset(photo) {
    photo.controller = null;
    this.#update(photo, { state: "waiting", sent: 0, error: null });
  }

  #advance() {
    let inProgress = this.photos.filter((photo) => photo.controller).length;
    for (const photo of this.photos) {
      if (inProgress >= MAX_IN_PROGRESS) return;
      if (photo.state !== "waiting" || photo.controller) continue;
      inProgress += 1;
      this.#run(photo);
    }
  }

  async #run(photo) {
    const controller = new AbortController();
    photo.controller = controller;
    const query = this.#query;
    // A response to an earlier request for this photo must not change its state.
    const isCurrent = () => photo.controller === controller;
    let outcome;
    try {
      if (photo.file.size > this.#maxUploadBytes) {
        const limit = formatBytes(this.#maxUploadBytes);
        throw new CompressionError(
          `The photo has ${formatBytes(photo.file.size)}; at most ${limit} are accepted.`,
        );
      }
      // Checked here: the service closes the connection, and the browser may not read the response.
      if (this.#needsKey && !this.key) {
        throw new CompressionError("This service requires a key.", { code: "missing-key" });
      }
      const result = await compress(photo.file, query, {
        key: this.key,
        signal: controller.signal,
        onState: (state) => isCurrent() && this.#update(photo, state),
      });
      result.quality = new URLSearchParams(query).get("quality");
      outcome = { state: "done", result, error: null };
    } catch (error) {
      if (!(error instanceof CompressionError) && !controller.signal.aborted) console.error(error);
      const reported =
        error instanceof CompressionError ? error : new CompressionError("An error occurred in this page.");
      outcome = { state: "failed", result: null, error: reported };
    }
    if (!isCurrent()) return;
    photo.controller = null;
    this.#update(photo, outcome);
    this.#advance();
  }

  #update(photo, changes) {
    Object.assign(photo, changes);
    this.#fire("change", photo);
  }

  #fire(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
