// Compress photos with Foveate from JavaScript. Works in Node 18 or later and in a web page.
//
//     node compress.mjs photo.jpg smaller.jpg quality=60
//     node compress.mjs --job photo.jpg smaller.jpg width=1024
//
// FOVEATE_URL is the URL of the service. FOVEATE_API_KEY is an API key, if the service requires one.
// For a web page of another origin, add that origin to the service's setting CORS_ORIGINS.

const BUSY = [429, 503];
const TRIES = 6;

const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/** The service refused the request; docs/api.md lists the values of `type`. */
export class ProblemError extends Error {
  constructor({ type, detail }) {
    super(detail);
    this.type = type.replace("urn:foveate:problem:", "");
  }
}

/** Return a successful response; throw a ProblemError for an error (RFC 9457). */
async function checked(response) {
  if (!response.ok) throw new ProblemError(await response.json());
  return response;
}

/** A service at `url`, with an API key if it requires one. */
export class Foveate {
  constructor(url, key) {
    this.url = url;
    this.headers = key ? { Authorization: `Bearer ${key}` } : {};
  }

  /** Return the JPEG of `photo` (a Blob, a File or bytes), and the bytes before and after. */
  async compress(photo, options = {}) {
    const response = await this.#post(photo, options);
    return {
      jpeg: await response.blob(),
      before: Number(response.headers.get("X-Original-Bytes")),
      after: Number(response.headers.get("X-Compressed-Bytes")),
    };
  }

  /** Do the same as a job, without a long request; `onJob` is called with each state of the job. */
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

  /** Upload a photo; while the service is busy, wait as long as it says and try again. */
  async #post(body, options, extraHeaders = {}) {
    const headers = { "Content-Type": "application/octet-stream", ...this.headers, ...extraHeaders };
    const target = `${this.url}/compress?${new URLSearchParams(options)}`;
    for (let triesLeft = TRIES - 1; ; triesLeft -= 1) {
      const response = await fetch(target, { method: "POST", body, headers });
      if (triesLeft === 0 || !BUSY.includes(response.status)) return checked(response);
      await pause(Number(response.headers.get("Retry-After") ?? 1));
    }
  }

  async #get(path) {
    return checked(await fetch(new URL(path, this.url), { headers: this.headers }));
  }
}

if (globalThis.process?.argv[1]?.endsWith("compress.mjs")) {
  const { readFile, writeFile } = await import("node:fs/promises");
  const [asJob, first] = process.argv[2] === "--job" ? [true, 3] : [false, 2];
  const [source, target, ...pairs] = process.argv.slice(first);
  const options = Object.fromEntries(pairs.map((pair) => pair.split("=")));
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
