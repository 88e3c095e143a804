// Connects the parts of the page: files, list, comparison, options, key.
import { Cards, describeState } from "./cards.js";
import { Collection } from "./collection.js";
import { Comparison } from "./comparison.js";
import { listenForFiles } from "./file_input.js";
import { formatBytes, formatSaving, resultName } from "./format.js";
import { KeyForm } from "./key.js";
import { OptionsForm } from "./options.js";
import { zip } from "./zip.js";

const find = (id) => document.querySelector(`#${id}`);

const collection = new Collection({
  maxUploadBytes: Number(document.body.dataset.maxUploadBytes),
  needsKey: document.body.dataset.needsKey === "true",
});
const comparison = new Comparison();
let chosen = null; // the photo that the user chose to see
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
const options = new OptionsForm(find("options"), (query) => collection.setOptions(query));

listenForFiles({
  input: find("files"),
  buttons: [find("choose"), find("add")],
  overlay: find("dropping"),
  onFiles: (files) => collection.add(files),
});

function show(photo) {
  comparison.show(photo);
  cards.highlight(photo);
}

collection.addEventListener("add", ({ detail: photo }) => {
  if (comparison.photo === null) show(photo);
  updatePage();
});

collection.addEventListener("remove", ({ detail: photo }) => {
  if (comparison.photo === photo) show(collection.photos[0] ?? null);
  updatePage();
});

collection.addEventListener("change", ({ detail: photo }) => {
  if (comparison.photo === photo) comparison.show(photo);
  // A finished photo is shown instead of a failed one, unless the user chose that.
  if (comparison.photo?.state === "failed" && comparison.photo !== chosen) {
    const done = collection.photos.find(({ state }) => state === "done");
    if (done) show(done);
  }
  if (photo.state === "done" || photo.state === "failed") {
    find("live").textContent = `${photo.name}: ${describeState(photo)}`;
  }
  if (photo.error?.code === "missing-key") keys.ask();
  const refused = collection.photos.find(({ error }) => error?.code === "invalid-option");
  if (refused) options.showError(refused.error.message);
  updatePage();
});

addEventListener("pagehide", () => collection.suspend());
addEventListener("pageshow", ({ persisted }) => persisted && collection.resume());

find("clear").addEventListener("click", () => {
  // From the end: otherwise the comparison would load each photo that becomes the first.
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
    const archive = await zip(done.map(({ name, result }) => [resultName(name, result), result.image]));
    save(archive, "foveate.zip");
  } catch (error) {
    problem.textContent = error.message;
    problem.hidden = false;
  }
  updatePage();
  button.focus();
});

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Show or hide the parts of the page, and update the sums. */
function updatePage() {
  const { photos } = collection;
  document.body.classList.toggle("empty", photos.length === 0);
  find("side").hidden = photos.length === 0;
  const done = photos.filter(({ state }) => state === "done");
  find("download-all").disabled = done.length === 0;
  const before = done.reduce((sum, { result }) => sum + result.originalBytes, 0);
  const after = done.reduce((sum, { result }) => sum + result.compressedBytes, 0);
  find("totals").textContent = done.length
    ? `${done.length} of ${photos.length} done: ${formatBytes(before)} → ${formatBytes(after)}, ${formatSaving(before, after)}`
    : `${photos.filter(({ state }) => state !== "failed").length} of ${photos.length} in progress`;
}
