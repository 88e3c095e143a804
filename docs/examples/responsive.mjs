// Write the HTML of a responsive photo whose files come from Foveate's /fetch. Needs Node 18 or later.
//
//     FETCH_KEY=$(cat fetch.key) node responsive.mjs https://photos.example.org/anna.jpg 'Anna' 1600 1200
//
// The last arguments are the photo's width and height in pixels. FOVEATE_URL is the URL of the service or of the CDN
// before it. Run this where pages are rendered: the key must not reach a browser.

import { createHmac } from "node:crypto";
import { pathToFileURL } from "node:url";

const WIDTHS = [320, 480, 640, 960, 1280, 1920];

/** Return `text` as it may stand in an attribute's value. */
function escapeHtml(text) {
  const names = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return text.replace(/[&<>"']/g, (character) => names[character]);
}

/** Return the widths of a set up to the widest. The service enlarges nothing, so that no file is wider. */
function listWidths(widest) {
  return [...WIDTHS.filter((width) => width < widest), widest];
}

/** Signed URLs of a service at `url`; `key` is one of its FETCH_KEYS. */
export class Photos {
  constructor(url, key) {
    this.url = url.replace(/\/$/, "");
    this.key = key;
  }

  /** Return the URL of the photo at `source` with options such as { width: 640 }. */
  sign(source, options) {
    // Always in the same order: another order is another URL, which caches store again.
    const list = Object.entries(options).map(([name, value]) => `${name}=${value}`).sort();
    const words = list.join(",") || "-";
    const signature = createHmac("sha256", this.key).update(`${words}/${source}`).digest("base64url");
    return `${this.url}/fetch/${signature}/${words}/${Buffer.from(source).toString("base64url")}`;
  }

  /** Return the `srcset` of a whole photo. */
  wholeSet(source, photo) {
    const files = listWidths(photo.width).map((width) => `${this.sign(source, { width })} ${width}w`);
    return files.join(", ");
  }

  /** Return the `srcset` of a crop of the shape `across`:`down`, where people look. */
  cropSet(source, photo, across, down) {
    const widest = Math.floor(Math.min(photo.width, (photo.height * across) / down));
    const files = listWidths(widest).map((width) => {
      const height = Math.round((width * down) / across);
      return `${this.sign(source, { width, height, fit: "cover" })} ${width}w`;
    });
    return files.join(", ");
  }

  /** Return the point to keep in view as a value of CSS `object-position`. */
  async findFocus(source) {
    const response = await fetch(this.sign(source, { width: WIDTHS[0] }), { method: "HEAD" });
    if (!response.ok) throw new Error(`${source}: status ${response.status}`);
    const shares = response.headers.get("X-Focus").split(",");
    return shares.map((share) => `${Number((100 * share).toFixed(2))}%`).join(" ");
  }

  /** Return the HTML: a portrait crop on phones, elsewhere the whole photo in a box of 2:1. */
  async render(source, text, photo) {
    const focus = await this.findFocus(source);
    return `<picture>
  <source media="(max-width: 600px)" sizes="100vw"
    srcset="${this.cropSet(source, photo, 3, 4)}">
  <img src="${this.sign(source, { width: Math.min(640, photo.width) })}" alt="${escapeHtml(text)}"
    srcset="${this.wholeSet(source, photo)}" sizes="min(100vw, 60rem)"
    class="photo" style="object-position: ${focus}">
</picture>
`;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const [source, text, width, height] = process.argv.slice(2);
  const { FOVEATE_URL = "http://127.0.0.1:8000", FETCH_KEY } = process.env;
  const photos = new Photos(FOVEATE_URL, FETCH_KEY);
  process.stdout.write(await photos.render(source, text, { width: Number(width), height: Number(height) }));
}
