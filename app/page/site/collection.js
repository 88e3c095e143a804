// The photos of this visit: what each is doing, and which are under way at a time.
import { compress } from "./compression.js";
import { CompressionError } from "./problem.js";
import * as words from "./words.js";

// Enough to fill a batch now and then; the first photo still comes back first.
const AT_A_TIME = 3;

/**
 * Holds photos; fires "change" (detail: the photo), "add" and "remove". A photo's state is "waiting",
 * "sending", "queued", "working", "pausing", "done" or "failed". Its last result stays while a new
 * one is on its way.
 */
export class Collection extends EventTarget {
  photos = [];
  key = ""; // sent with each request where the service asks for one
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
      this.#queue(photo);
    }
    this.#advance();
  }

  remove(photo) {
    photo.controller?.abort();
    this.photos = this.photos.filter((other) => other !== photo);
    this.#fire("remove", photo);
    this.#advance();
  }

  /** Compress every photo again with other options; what was under way is given up. */
  use(query) {
    if (query === this.#query) return;
    this.#query = query;
    for (const photo of this.photos) {
      photo.controller?.abort();
      this.#queue(photo);
    }
    this.#advance();
  }

  retry(photo) {
    this.#queue(photo);
    this.#advance();
  }

  /** Give up what is under way, so that the service doesn't work for a page that is gone. */
  suspend() {
    for (const photo of this.photos) {
      if (!photo.controller) continue;
      photo.controller.abort();
      this.#queue(photo);
    }
  }

  /** Go on after `suspend`. */
  resume() {
    this.#advance();
  }

  #queue(photo) {
    photo.controller = null;
    this.#tell(photo, { state: "waiting", sent: 0, error: null });
  }

  #advance() {
    let underWay = this.photos.filter((photo) => photo.controller).length;
    for (const photo of this.photos) {
      if (underWay >= AT_A_TIME) return;
      if (photo.state !== "waiting" || photo.controller) continue;
      underWay += 1;
      this.#run(photo);
    }
  }

  async #run(photo) {
    const controller = new AbortController();
    photo.controller = controller;
    const query = this.#query;
    // Whatever arrives for a photo that has been sent again since is not its answer any more.
    const current = () => photo.controller === controller;
    let outcome;
    try {
      if (photo.file.size > this.#maxUploadBytes) {
        const most = words.bytes(this.#maxUploadBytes);
        throw new CompressionError(
          `The photo has ${words.bytes(photo.file.size)}; at most ${most} are accepted.`,
        );
      }
      // Said here, since an upload without a key is cut off: a browser may not read why.
      if (this.#needsKey && !this.key) {
        throw new CompressionError("This service asks for a key.", { code: "missing-key" });
      }
      const result = await compress(photo.file, query, {
        key: this.key,
        signal: controller.signal,
        onState: (state) => current() && this.#tell(photo, state),
      });
      result.quality = new URLSearchParams(query).get("quality");
      outcome = { state: "done", result, error: null };
    } catch (error) {
      if (!(error instanceof CompressionError) && !controller.signal.aborted) console.error(error);
      const told = error instanceof CompressionError ? error : new CompressionError("This page failed.");
      outcome = { state: "failed", result: null, error: told };
    }
    if (!current()) return;
    photo.controller = null;
    this.#tell(photo, outcome);
    this.#advance();
  }

  #tell(photo, what) {
    Object.assign(photo, what);
    this.#fire("change", photo);
  }

  #fire(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
