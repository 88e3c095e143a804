// The large picture: one photo's original, its result, the standard JPEG of the same bytes, its map.
import { drawHeatmap } from "./heatmap.js";
import { encodeStandard } from "./standard.js";
import { stateInWords } from "./cards.js";
import { Viewer } from "./viewer.js";
import * as words from "./words.js";

const find = (id) => document.querySelector(`#${id}`);
const STAGES = { queue: "queue", decode: "decoding", predict: "saliency", encode: "encoding" };

/** Shows one photo at a time. */
export class Stage {
  #photo = null;
  #shown = null; // the result whose pictures are on screen
  #urls = [];
  #making = null; // the standard JPEG under way
  #viewer;

  constructor() {
    this.#viewer = new Viewer(find("viewer"), {
      level: find("zoom-level"),
      zoomIn: find("zoom-in"),
      zoomOut: find("zoom-out"),
      fit: find("zoom-fit"),
      full: find("zoom-full"),
    });
    for (const radio of document.querySelectorAll("[name=versus]")) {
      radio.addEventListener("change", () => this.#compare());
    }
    find("heat-on").addEventListener("change", () => this.#heat());
    find("heat-opacity").addEventListener("input", () => this.#heat());
  }

  get photo() {
    return this.#photo;
  }

  /** Show `photo`, or with null nothing. */
  show(photo) {
    const other = photo !== this.#photo;
    this.#photo = photo;
    find("stage").hidden = !photo;
    if (!photo) return this.#forget();
    find("stage-name").textContent = photo.name;
    if (other || photo.result !== this.#shown) this.#load(other);
    this.#tell();
    return undefined;
  }

  /** Say what the photo is doing while there is no new result. */
  #tell() {
    const { state, result, error } = this.#photo;
    const veil = find("veil");
    veil.hidden = state === "done" || state === "failed";
    veil.textContent = result ? "Updating…" : stateInWords(this.#photo);
    find("viewer").classList.toggle("stale", Boolean(result) && state !== "done");
    const problem = find("stage-error");
    problem.hidden = state !== "failed";
    problem.textContent = error?.message ?? "";
  }

  #forget() {
    this.#making?.abort();
    for (const url of this.#urls) URL.revokeObjectURL(url);
    this.#urls = [];
    this.#shown = null;
    for (const id of ["image-left", "image-right"]) find(id).removeAttribute("src");
  }

  #url(blob) {
    const url = URL.createObjectURL(blob);
    this.#urls.push(url);
    return url;
  }

  async #load(other) {
    const photo = this.#photo;
    const { result, file } = photo;
    // The pictures on screen stay until the new ones are decoded: nothing flashes.
    const old = this.#urls;
    this.#urls = [];
    this.#making?.abort();
    this.#making = null;
    this.#shown = result;
    const current = () => this.#photo === photo && this.#shown === result;
    if (other) {
      for (const id of ["image-left", "image-right"]) find(id).removeAttribute("src");
    }
    find("viewer").classList.toggle("alone", !result);
    find("tools").hidden = find("figures").hidden = !result;
    find("note").hidden = !result;
    find("stage-size").textContent = "";
    const original = await decoded(this.#url(file));
    const compressed = result ? await decoded(this.#url(result.image)) : null;
    if (!current()) return void old.forEach((url) => URL.revokeObjectURL(url));
    photo.readable = Boolean(original);
    const shape = compressed ?? original;
    find("viewer").hidden = !shape;
    if (shape) {
      const [width, height] = [shape.naturalWidth, shape.naturalHeight];
      find("stage-size").textContent = `${width} × ${height}`;
      this.#viewer.setSize(width, height, { keepZoom: !other });
      find("image-right").src = shape.src;
      find("image-right").alt = compressed ? `${photo.name}, Foveate's JPEG` : photo.name;
    }
    if (original) find("image-left").src = original.src;
    if (result) {
      this.#figures(result);
      await this.#heatmap(result);
      if (current()) this.#compare();
    }
    for (const url of old) URL.revokeObjectURL(url);
  }

  /** Put on the left what is asked for. */
  async #compare() {
    const photo = this.#photo;
    const result = this.#shown;
    if (!photo || !result) return;
    const versus = document.querySelector("[name=versus]:checked").value;
    this.#making?.abort();
    const making = new AbortController();
    this.#making = making;
    find("viewer").classList.toggle("alone", !photo.readable);
    if (!photo.readable) {
      find("note").textContent =
        "This browser can't show the original's format, so there is nothing to compare with.";
      return;
    }
    const left = find("image-left");
    if (versus === "original") {
      this.#name("Original", result);
      left.src = this.#url(photo.file);
      left.alt = `${photo.name}, the original`;
      find("note").textContent = result.passthrough
        ? "This JPEG can't be made smaller without a loss, so it came back unchanged."
        : "Left of the divider the original, right of it Foveate's JPEG.";
      return;
    }
    find("note").textContent = "Making the standard JPEG of the same bytes…";
    try {
      result.standard ??= await encodeStandard(photo.file, result, result.compressedBytes, making.signal);
    } catch {
      if (!making.signal.aborted) find("note").textContent = "This browser can't encode a photo of this size.";
      return;
    }
    if (making.signal.aborted) return;
    const { blob, quality } = result.standard;
    this.#name("Standard JPEG", result);
    left.src = this.#url(blob);
    left.alt = `${photo.name}, the standard JPEG of the same bytes`;
    find("note").textContent =
      `Left of the divider the standard JPEG in the same bytes: ${words.bytes(blob.size)}, quality ${quality}, ` +
      `made from the original by your browser's own encoder. Foveate's, right of it, has ${words.bytes(result.compressedBytes)}.`;
  }

  #name(left) {
    find("tag-left").textContent = left;
    this.#viewer.name(left, "Foveate");
  }

  async #heatmap(result) {
    find("heat-on").disabled = !result.heatmap;
    if (result.heatmap) await drawHeatmap(result.heatmap, find("heat"));
    this.#heat();
  }

  #heat() {
    const on = find("heat-on").checked && !find("heat-on").disabled;
    find("heat-opacity").disabled = !on;
    find("pane-heat").hidden = !on;
    find("heat").style.setProperty("opacity", String(find("heat-opacity").value / 100));
  }

  #figures(result) {
    const { originalBytes, compressedBytes, referenceBytes, quality, stages } = result;
    const total = stages.reduce((sum, [, elapsed]) => sum + elapsed, 0);
    const parts = stages.map(([name, elapsed]) => `${STAGES[name] ?? name} ${words.duration(elapsed)}`);
    const rows = [
      ["Original", words.bytes(originalBytes), ""],
      ["Foveate", words.bytes(compressedBytes), words.saving(originalBytes, compressedBytes)],
      [
        "Standard JPEG",
        words.bytes(referenceBytes),
        `of quality ${quality}; Foveate's is ${words.saving(referenceBytes, compressedBytes)}`,
      ],
      ["Time in the service", words.duration(total), parts.join(", ")],
    ];
    find("figures").replaceChildren(...rows.map(figure));
  }
}

function figure([name, value, more]) {
  const group = document.createElement("div");
  const parts = [["dt", name], ["dd", value], ["dd", more]].filter(([, text]) => text);
  parts.forEach(([tag, text], index) => {
    const part = document.createElement(tag);
    part.textContent = text;
    if (index === 2) part.className = "more";
    group.append(part);
  });
  return group;
}

/** Return the picture at `url` once it can be painted, null if this browser can't show it. */
async function decoded(url) {
  const image = new Image();
  image.src = url;
  try {
    await image.decode();
    return image;
  } catch {
    return null;
  }
}
