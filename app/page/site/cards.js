// The list of photos: a card for each, with its thumbnail, its state and its buttons.
import { formatBytes, formatSaving, resultName } from "./format.js";

const template = document.querySelector("#card");

/** Shows the photos of a collection; calls `onPick` with the photo that the user chooses. */
export class Cards {
  #list;
  #cards = new Map();
  #collection;
  #thumbnails = Promise.resolve();

  constructor(list, collection, onPick) {
    this.#list = list;
    this.#collection = collection;
    collection.addEventListener("add", ({ detail }) => this.#add(detail, onPick));
    collection.addEventListener("change", ({ detail }) => this.#update(detail));
    collection.addEventListener("remove", ({ detail }) => this.#remove(detail));
  }

  /** Highlight the photo that the comparison shows. */
  highlight(photo) {
    for (const [id, card] of this.#cards) {
      card.pick.setAttribute("aria-pressed", String(id === photo?.id));
    }
  }

  #add(photo, onPick) {
    const item = template.content.cloneNode(true).querySelector("li");
    const find = (name) => item.querySelector(name);
    const card = {
      item,
      pick: find(".pick"),
      state: find(".card-state"),
      progress: find("progress"),
      again: find(".again"),
      download: find(".download"),
      remove: find(".remove"),
      thumb: find(".thumb"),
    };
    find(".card-name").textContent = photo.name;
    card.pick.setAttribute("aria-pressed", "false");
    card.progress.setAttribute("aria-label", `Upload of ${photo.name}`);
    card.remove.setAttribute("aria-label", `Remove ${photo.name}`);
    card.again.setAttribute("aria-label", `Try ${photo.name} again`);
    card.download.setAttribute("aria-label", `Download ${photo.name}`);
    card.pick.addEventListener("click", () => onPick(photo));
    card.again.addEventListener("click", () => this.#collection.retry(photo));
    card.remove.addEventListener("click", () => this.#collection.remove(photo));
    this.#cards.set(photo.id, card);
    this.#list.append(item);
    this.#drawThumbnail(photo.file, card);
  }

  #remove(photo) {
    const card = this.#cards.get(photo.id);
    const next = card.item.nextElementSibling ?? card.item.previousElementSibling;
    const hadFocus = card.item.contains(document.activeElement);
    if (card.download.href) URL.revokeObjectURL(card.download.href);
    card.item.remove();
    this.#cards.delete(photo.id);
    // Otherwise the focus would move to the top of the page.
    if (hadFocus) (next?.querySelector(".remove") ?? document.querySelector("#choose")).focus();
  }

  #update(photo) {
    const card = this.#cards.get(photo.id);
    if (!card) return;
    card.item.dataset.state = photo.state;
    const text = describeState(photo);
    if (card.state.textContent !== text) card.state.textContent = text;
    card.progress.hidden = !["sending", "queued", "working"].includes(photo.state);
    // Without a value the bar is indeterminate: how long the queue takes is unknown.
    if (photo.state === "sending") card.progress.value = photo.sent;
    else card.progress.removeAttribute("value");
    card.again.hidden = !(photo.state === "failed" && photo.error.retryable);
    const done = photo.state === "done";
    if (done && card.shown !== photo.result) {
      if (card.download.href) URL.revokeObjectURL(card.download.href);
      card.shown = photo.result;
      card.download.href = URL.createObjectURL(photo.result.image);
      card.download.download = resultName(photo.name, photo.result);
      if (card.item.classList.contains("blank")) this.#drawThumbnail(photo.result.image, card);
    }
    card.download.hidden = !done;
  }

  /** Draw the thumbnail of `blob`; one after another, because each is decoded at full size. */
  #drawThumbnail(blob, { thumb, item }) {
    this.#thumbnails = this.#thumbnails.then(async () => {
      try {
        const bitmap = await createImageBitmap(blob);
        const scale = Math.max(thumb.width / bitmap.width, thumb.height / bitmap.height);
        const [width, height] = [bitmap.width * scale, bitmap.height * scale];
        const context = thumb.getContext("2d");
        context.imageSmoothingQuality = "high";
        context.drawImage(bitmap, (thumb.width - width) / 2, (thumb.height - height) / 2, width, height);
        bitmap.close();
        item.classList.remove("blank");
      } catch {
        item.classList.add("blank"); // not a photo, or a format that this browser can't show
      }
    });
  }
}

/** Return the state of a photo as a short line. */
export function describeState(photo) {
  switch (photo.state) {
    case "sending":
      return photo.sent > 0 ? `uploading, ${Math.round(photo.sent * 100)} %` : "uploading";
    case "queued":
      return `number ${photo.position} in the queue`;
    case "working":
      return "compressing";
    case "pausing":
      return `${photo.reason} Trying again…`;
    case "failed":
      return photo.error.message;
    case "done": {
      const { originalBytes, compressedBytes } = photo.result;
      return `${formatBytes(compressedBytes)}, ${formatSaving(originalBytes, compressedBytes)}`;
    }
    default:
      return "waiting";
  }
}
