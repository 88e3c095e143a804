// Takes photos by file chooser, drop and paste; a dropped folder is searched.

/** Calls `onFiles` with each list of files; `overlay` is shown while files are dragged over the page. */
export function listenForFiles({ input, buttons, overlay, onFiles }) {
  for (const button of buttons) button.addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    onFiles([...input.files]);
    input.value = ""; // otherwise the same photo could not be chosen again
  });

  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  let depth = 0; // enter and leave events come from nested elements too
  const changeDepth = (change) => {
    depth = Math.max(depth + change, 0);
    overlay.hidden = depth === 0;
  };
  addEventListener("dragenter", (event) => carriesFiles(event) && changeDepth(1));
  addEventListener("dragleave", (event) => carriesFiles(event) && changeDepth(-1));
  addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault());
  addEventListener("drop", async (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    changeDepth(-depth);
    onFiles(await droppedFiles(event.dataTransfer));
  });
  addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length === 0) return;
    event.preventDefault();
    onFiles(files);
  });
}

/** Return the dropped files and those in dropped folders, which are sorted by name. */
async function droppedFiles(transfer) {
  // The browser empties both lists at the first await.
  const files = [...transfer.files];
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return files;
  const found = [];
  for (const entry of entries) await walk(entry, found);
  return found;
}

async function walk(entry, found) {
  if (entry.isFile) {
    found.push(await new Promise((resolve, reject) => entry.file(resolve, reject)));
    return;
  }
  const reader = entry.createReader();
  const inside = [];
  for (;;) {
    // Each call returns some of the entries; the last one returns none.
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) break;
    inside.push(...some);
  }
  inside.sort((a, b) => a.name.localeCompare(b.name));
  for (const child of inside) if (!child.name.startsWith(".")) await walk(child, found);
}
