// Compares the result of one photo with its original or a standard JPEG; shows its heatmap and regions.
import { placeNames, showRegions } from "./boxes.js";
import { describeState } from "./cards.js";
import { formatBytes, formatDuration, formatSaving } from "./format.js";
import { drawHeatmap } from "./heatmap.js";
import { cropOriginal, encodeStandardJpeg } from "./standard_jpeg.js";
import { Viewer } from "./viewer.js";

const find = (id) => document.querySelector(`#${id}`);
const STAGES = { queue: "queue", decode: "decoding", predict: "saliency", encode: "encoding" };

/** Shows one photo at a time. */
export class Comparison {
  #photo = null;
  #shown = null; // the result whose pictures are on screen
  #urls = [];
  #encoding = null; // aborts the standard JPEG that is being made
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
    find("heat-on").addEventListener("change", () => this.#showHeatmap());
    find("heat-opacity").addEventListener("input", () => this.#showHeatmap());
    find("boxes-on").addEventListener("change", () => this.#showBoxes());
    new ResizeObserver(() => placeNames(find("boxes"))).observe(find("boxes"));
  }

  get photo() {
    return this.#photo;
  }

  /** Show `photo`, or nothing if it is null. */
  show(photo) {
    const isOther = photo !== this.#photo;
    this.#photo = photo;
    find("comparison").hidden = !photo;
    if (!photo) return this.#clear();
    find("comparison-name").textContent = photo.name;
    if (isOther || photo.result !== this.#shown) this.#load(isOther);
    this.#showState();
    return undefined;
  }

  /** Show the state of the photo until there is a new result. */
  #showState() {
    const { state, result, error } = this.#photo;
    const status = find("viewer-status");
    status.hidden = state === "done" || state === "failed";
    status.textContent = result ? "Updating…" : describeState(this.#photo);
    find("viewer").classList.toggle("stale", Boolean(result) && state !== "done");
    const problem = find("comparison-error");
    problem.hidden = state !== "failed";
    problem.textContent = error?.message ?? "";
  }

  #clear() {
    this.#encoding?.abort();
    for (const url of this.#urls) URL.revokeObjectURL(url);
    this.#urls = [];
    this.#shown = null;
    for (const id of ["image-left", "image-right"]) find(id).removeAttribute("src");
  }

  #createUrl(blob) {
    const url = URL.createObjectURL(blob);
    this.#urls.push(url);
    return url;
  }

  async #load(isOther) {
    const photo = this.#photo;
    const { result, file } = photo;
    // The pictures on screen stay until the new ones are decoded, so that nothing flickers.
    const old = this.#urls;
    this.#urls = [];
    this.#encoding?.abort();
    this.#encoding = null;
    this.#shown = result;
    const isCurrent = () => this.#photo === photo && this.#shown === result;
    if (isOther) {
      for (const id of ["image-left", "image-right"]) find(id).removeAttribute("src");
    }
    find("viewer").classList.toggle("alone", !result);
    find("tools").hidden = find("figures").hidden = !result;
    find("note").hidden = !result;
    find("comparison-size").textContent = "";
    const original = await loadImage(this.#createUrl(file));
    const compressed = result ? await loadImage(this.#createUrl(result.image)) : null;
    if (!isCurrent()) return void old.forEach((url) => URL.revokeObjectURL(url));
    photo.readable = Boolean(original);
    if (result) result.readable = Boolean(compressed);
    const image = compressed ?? original;
    find("viewer").hidden = !image;
    if (image) {
      const [width, height] = [image.naturalWidth, image.naturalHeight];
      find("comparison-size").textContent = `${width} × ${height}`;
      this.#viewer.setSize(width, height, { keepZoom: !isOther });
      find("image-right").src = image.src;
      find("image-right").alt = compressed ? `${photo.name}, Foveate's file` : photo.name;
    }
    if (original) find("image-left").src = original.src;
    this.#showBoxes();
    if (result) {
      this.#showFigures(result);
      await this.#loadHeatmap(result);
      if (isCurrent()) this.#compare();
    }
    for (const url of old) URL.revokeObjectURL(url);
  }

  /** Show on the left what the user chose to compare with. */
  async #compare() {
    const photo = this.#photo;
    const result = this.#shown;
    if (!photo || !result) return;
    const versus = document.querySelector("[name=versus]:checked").value;
    this.#encoding?.abort();
    const encoding = new AbortController();
    this.#encoding = encoding;
    find("viewer").classList.toggle("alone", !photo.readable || !result.readable);
    if (!result.readable) {
      find("note").textContent =
        "This browser can't show files of this format. The picture is the original; download the result to see it.";
      return;
    }
    if (!photo.readable) {
      find("note").textContent =
        "This browser can't show the format of the original, so there is no comparison.";
      return;
    }
    const left = find("image-left");
    if (versus === "original") {
      try {
        if (result.crop) result.cropped ??= await cropOriginal(photo.file, result);
      } catch {
        find("note").textContent = "This browser can't crop a photo of this size.";
        return;
      }
      if (encoding.signal.aborted) return;
      this.#nameLeft("Original");
      left.src = this.#createUrl(result.cropped ?? photo.file);
      left.alt = `${photo.name}, the original`;
      find("note").textContent = result.passthrough
        ? "This JPEG is unchanged: it can't be made noticeably smaller at this quality."
        : "Left: the original. Right: Foveate's file.";
      return;
    }
    find("note").textContent = "Encoding the standard JPEG with the same bytes…";
    try {
      result.standard ??= await encodeStandardJpeg(photo.file, result, result.compressedBytes, encoding.signal);
    } catch {
      if (!encoding.signal.aborted) find("note").textContent = "This browser can't encode a photo of this size.";
      return;
    }
    if (encoding.signal.aborted) return;
    const { blob, quality } = result.standard;
    this.#nameLeft("Standard JPEG");
    left.src = this.#createUrl(blob);
    left.alt = `${photo.name}, the standard JPEG with the same bytes`;
    find("note").textContent =
      `Left: the standard JPEG with the same bytes (${formatBytes(blob.size)}, quality ${quality}), made from ` +
      `the original by your browser's encoder. Right: Foveate's file (${formatBytes(result.compressedBytes)}).`;
  }

  #nameLeft(name) {
    find("tag-left").textContent = name;
    this.#viewer.setNames(name, "Foveate");
  }

  async #loadHeatmap(result) {
    // Of a cropped file that can't be shown, the whole original is.
    find("heat-on").disabled = !result.heatmap || (!result.readable && Boolean(result.crop));
    if (result.heatmap) await drawHeatmap(result.heatmap, find("heat"));
    this.#showHeatmap();
  }

  #showHeatmap() {
    const on = find("heat-on").checked && !find("heat-on").disabled;
    find("heat-opacity").disabled = !on;
    find("pane-heat").hidden = !on;
    find("heat").style.setProperty("opacity", String(find("heat-opacity").value / 100));
  }

  #showBoxes() {
    const regions = this.#shown?.regions;
    // Workers of earlier versions find none.
    find("boxes-on").disabled = !regions;
    const on = find("boxes-on").checked && Boolean(regions);
    find("pane-boxes").hidden = find("legend").hidden = !on;
    showRegions(on ? regions : [], { boxes: find("boxes"), list: find("legend") });
  }

  #showFigures(result) {
    const { originalBytes, compressedBytes, referenceBytes, quality, stages } = result;
    const total = stages.reduce((sum, [, elapsed]) => sum + elapsed, 0);
    const parts = stages.map(([name, elapsed]) => `${STAGES[name] ?? name} ${formatDuration(elapsed)}`);
    const rows = [
      ["Original", formatBytes(originalBytes), ""],
      ["Foveate", formatBytes(compressedBytes), formatSaving(originalBytes, compressedBytes)],
      [
        "Standard JPEG",
        formatBytes(referenceBytes),
        `of quality ${quality}; Foveate's is ${formatSaving(referenceBytes, compressedBytes)}`,
      ],
      ["Time in the service", formatDuration(total), parts.join(", ")],
    ];
    find("figures").replaceChildren(...rows.map(makeFigure));
  }
}

function makeFigure([name, value, more]) {
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

/** Return the decoded picture at `url`, or null if this browser can't show it. */
async function loadImage(url) {
  const image = new Image();
  image.src = url;
  try {
    await image.decode();
    return image;
  } catch {
    return null;
  }
}
