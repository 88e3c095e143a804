// Puts the page together: what people give, the list, the large picture, the options.
import { Cards, stateInWords } from "./cards.js";
import { Collection } from "./collection.js";
import { gather } from "./gather.js";
import { KeyForm } from "./key.js";
import { OptionsForm } from "./options.js";
import { Stage } from "./stage.js";
import { zip } from "./zip.js";
import * as words from "./words.js";

const find = (id) => document.querySelector(`#${id}`);

const collection = new Collection({
  maxUploadBytes: Number(document.body.dataset.maxUploadBytes),
  needsKey: document.body.dataset.needsKey === "true",
});
const stage = new Stage();
let chosen = null; // the photo that a person asked to see
const cards = new Cards(find("cards"), collection, (photo) => {
  chosen = photo;
  show(photo);
});
const keys = new KeyForm(find("key-form"), (key) => {
  collection.key = key;
  for (const photo of collection.photos) {
    if (photo.error?.code === "missing-key") collection.retry(photo);
  }
});
const options = new OptionsForm(find("options"), (query) => collection.use(query));

gather({
  input: find("files"),
  buttons: [find("choose"), find("add")],
  veil: find("dropping"),
  onFiles: (files) => collection.add(files),
});

function show(photo) {
  stage.show(photo);
  cards.mark(photo);
}

collection.addEventListener("add", ({ detail: photo }) => {
  if (stage.photo === null) show(photo);
  arrange();
});

collection.addEventListener("remove", ({ detail: photo }) => {
  if (stage.photo === photo) show(collection.photos[0] ?? null);
  arrange();
});

collection.addEventListener("change", ({ detail: photo }) => {
  if (stage.photo === photo) stage.show(photo);
  // A photo that fails leaves the large picture to one that doesn't, unless it was chosen.
  if (stage.photo?.state === "failed" && stage.photo !== chosen) {
    const done = collection.photos.find(({ state }) => state === "done");
    if (done) show(done);
  }
  if (photo.state === "done" || photo.state === "failed") {
    find("live").textContent = `${photo.name}: ${stateInWords(photo)}`;
  }
  if (photo.error?.code === "missing-key") keys.ask();
  const refused = collection.photos.find(({ error }) => error?.code === "invalid-option");
  if (refused) options.complain(refused.error.message);
  arrange();
});

addEventListener("pagehide", () => collection.suspend());
addEventListener("pageshow", ({ persisted }) => persisted && collection.resume());

find("clear").addEventListener("click", () => {
  // From the end: the large picture would load every next one otherwise.
  for (const photo of collection.photos.toReversed()) collection.remove(photo);
  find("choose").focus();
});

find("download-all").addEventListener("click", async () => {
  const button = find("download-all");
  const problem = find("zip-error");
  button.disabled = true;
  problem.hidden = true;
  try {
    const done = collection.photos.filter(({ state }) => state === "done");
    const archive = await zip(done.map(({ name, result }) => [words.resultName(name), result.image]));
    save(archive, "foveate.zip");
  } catch (error) {
    problem.textContent = error.message;
    problem.hidden = false;
  }
  arrange();
  button.focus();
});

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Show what there is to show, and the sums. */
function arrange() {
  const { photos } = collection;
  document.body.classList.toggle("empty", photos.length === 0);
  find("side").hidden = photos.length === 0;
  const done = photos.filter(({ state }) => state === "done");
  find("download-all").disabled = done.length === 0;
  const before = done.reduce((sum, { result }) => sum + result.originalBytes, 0);
  const after = done.reduce((sum, { result }) => sum + result.compressedBytes, 0);
  find("totals").textContent = done.length
    ? `${done.length} of ${photos.length} done: ${words.bytes(before)} → ${words.bytes(after)}, ${words.saving(before, after)}`
    : `${photos.filter(({ state }) => state !== "failed").length} of ${photos.length} under way`;
}
