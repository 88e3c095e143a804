// Compress photos with Foveate from JavaScript: fetch, in Node 18 or later or in a page.
//
//     node compress.mjs photo.jpg smaller.jpg quality=60
//     node compress.mjs --job photo.jpg smaller.jpg width=1024
//
// FOVEATE_URL is the service, FOVEATE_API_KEY its key if it asks for one. In a page of another
// origin than the service's, the service needs that origin in its CORS_ORIGINS.

const BUSY = [429, 503];
const TRIES = 6;

const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/** The service said no; `type` is one of those listed in docs/api.md. */
export class ProblemError extends Error {
  constructor({ type, detail }) {
    super(detail);
    this.type = type.replace("urn:foveate:problem:", "");
  }
}

/** Return a good answer, throw a ProblemError for any other (RFC 9457). */
async function checked(answer) {
  if (!answer.ok) throw new ProblemError(await answer.json());
  return answer;
}

/** A service at `url`; `key` where it asks for one. */
export class Foveate {
  constructor(url, key) {
    this.url = url;
    this.headers = key ? { Authorization: `Bearer ${key}` } : {};
  }

  /** Return the JPEG of `photo` (a Blob, a File or bytes) and what it saved. */
  async compress(photo, options = {}) {
    const answer = await this.#post(photo, options);
    return {
      jpeg: await answer.blob(),
      before: Number(answer.headers.get("X-Original-Bytes")),
      after: Number(answer.headers.get("X-Compressed-Bytes")),
    };
  }

  /** Do the same without holding a request open; `onJob` hears how the photo is doing. */
  async compressAsJob(photo, options = {}, onJob = () => {}) {
    let job = await (await this.#post(photo, options, { Prefer: "respond-async" })).json();
    while (job.state === "queued" || job.state === "started") {
      onJob(job);
      await pause(0.5);
      job = await (await this.#get(job.links.self)).json();
    }
    if (job.state === "failed") throw new ProblemError(job.error);
    const jpeg = await (await this.#get(job.links.image)).blob();
    return { jpeg, before: job.result.original_bytes, after: job.result.compressed_bytes };
  }

  /** Upload a photo; while the service is busy, come back when it says. */
  async #post(body, options, more = {}) {
    const headers = { "Content-Type": "application/octet-stream", ...this.headers, ...more };
    const target = `${this.url}/compress?${new URLSearchParams(options)}`;
    for (let left = TRIES - 1; ; left -= 1) {
      const answer = await fetch(target, { method: "POST", body, headers });
      if (left === 0 || !BUSY.includes(answer.status)) return checked(answer);
      await pause(Number(answer.headers.get("Retry-After") ?? 1));
    }
  }

  async #get(path) {
    return checked(await fetch(this.url + path, { headers: this.headers }));
  }
}

if (globalThis.process?.argv[1]?.endsWith("compress.mjs")) {
  const { readFile, writeFile } = await import("node:fs/promises");
  const [asJob, given] = process.argv[2] === "--job" ? [true, 3] : [false, 2];
  const [source, target, ...rest] = process.argv.slice(given);
  const options = Object.fromEntries(rest.map((option) => option.split("=")));
  const { FOVEATE_URL = "http://127.0.0.1:8000", FOVEATE_API_KEY } = process.env;
  const service = new Foveate(FOVEATE_URL, FOVEATE_API_KEY);
  try {
    const photo = await readFile(source);
    const { jpeg, before, after } = asJob
      ? await service.compressAsJob(photo, options, ({ state }) => console.error(state))
      : await service.compress(photo, options);
    await writeFile(target, Buffer.from(await jpeg.arrayBuffer()));
    console.error(`${before} -> ${after} bytes`);
  } catch (error) {
    console.error(`${source}: ${error.type ?? "error"}: ${error.message}`);
    process.exitCode = 1;
  }
}
