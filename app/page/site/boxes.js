// Shows what was found in a photo: a box with its name for each region, and a list of the classes.

// Of the first class, the second and so on, as with `heatmap=classes` (worker/image/heatmap.py).
const COLOURS = ["#e69f00", "#56b4e9", "#009e73", "#cc79a7", "#f0e442", "#d55e00", "#0072b2"];

// Where a name may be, the best first: at the left or right, and so many of its heights below the top or
// the bottom of its box.
const PLACES = [-1, 0, 1, 2, 3, 4, 5].flatMap((rows) =>
  [[0, rows], [1, -1 - rows]].flatMap(([bottom, down]) => [0, 1].map((right) => ({ right, bottom, down }))),
);

/** Show `regions`, the most salient first, in `boxes`, which covers the photo, and their classes in `list`. */
export function showRegions(regions, { boxes, list }) {
  const names = [...new Set(regions.map((region) => region.class))];
  const colours = new Map(names.map((name, index) => [name, COLOURS[index % COLOURS.length]]));
  // Small boxes are above large ones.
  const byArea = regions.toSorted((a, b) => b.box.width * b.box.height - a.box.width * a.box.height);
  boxes.replaceChildren(...byArea.map((region) => makeBox(region, colours.get(region.class))));
  placeNames(boxes);
  list.replaceChildren(
    ...names.map((name) => {
      const own = regions.filter((region) => region.class === name);
      return makeEntry(name, own, colours.get(name));
    }),
  );
  if (!names.length) list.append(makePart("li", "quiet", "No object that Foveate knows was found."));
}

/** Put the names inside the photo and, if there is room, where they cover neither each other nor what lies above. */
export function placeNames(boxes) {
  const viewer = boxes.closest(".viewer");
  const frame = viewer.getBoundingClientRect();
  const taken = [...viewer.querySelectorAll(".tag, .handle svg")].map((element) => {
    const { x, y, width, height } = element.getBoundingClientRect();
    return { x: x - frame.x, y: y - frame.y, width, height };
  });
  // Zoomed in, names are smaller in the photo.
  const zoom = Number(getComputedStyle(boxes).getPropertyValue("--scale")) || 1;
  // Small boxes leave the least choice.
  for (const name of [...boxes.querySelectorAll(".box-name")].reverse()) {
    const rectangles = PLACES.map((place) => ({ ...place, ...measure(name, place, zoom) })).filter(
      ({ x, y, width, height }) =>
        x >= 0 && y >= 0 && x + width <= boxes.clientWidth && y + height <= boxes.clientHeight,
    );
    const found = rectangles.find((own) => !taken.some((other) => overlap(own, other))) ?? rectangles[0];
    if (!found) continue; // no layout yet
    taken.push(found);
    for (const key of ["right", "bottom", "down"]) name.style.setProperty(`--${key}`, found[key]);
  }
}

function measure(name, { right, bottom, down }, zoom) {
  const box = name.parentElement;
  const [width, height] = [name.offsetWidth * zoom, name.offsetHeight * zoom];
  const x = box.offsetLeft + box.clientLeft + right * (box.clientWidth - width);
  const y = box.offsetTop + box.clientTop + bottom * box.clientHeight + down * height;
  return { x, y, width, height };
}

function overlap(a, b) {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

function makeBox(region, colour) {
  const { x, y, width, height } = region.box;
  const element = makePart("div", "box");
  element.style.setProperty("--colour", colour);
  for (const [side, share] of Object.entries({ left: x, top: y, width, height })) {
    element.style.setProperty(side, `${share * 100}%`);
  }
  element.append(makePart("span", "box-name", region.class));
  return element;
}

function makeEntry(name, regions, colour) {
  const entry = makePart("li", "");
  const swatch = makePart("span", "swatch");
  swatch.style.setProperty("--colour", colour);
  const score = Math.max(...regions.map((region) => region.score));
  const count = regions.length > 1 ? `${regions.length} × ` : "";
  entry.append(swatch, `${count}${name}`, makePart("span", "quiet", ` ${Math.round(score * 100)} %`));
  return entry;
}

function makePart(tag, className, text = "") {
  const part = document.createElement(tag);
  part.className = className;
  part.textContent = text;
  return part;
}
