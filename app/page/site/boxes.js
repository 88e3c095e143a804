// Shows what was found in a photo: a box with its name for each region, and a list of the classes.

// Of the first class, the second and so on, as with `heatmap=classes` (worker/image/heatmap.py).
const COLOURS = ["#e69f00", "#56b4e9", "#009e73", "#cc79a7", "#f0e442", "#d55e00", "#0072b2"];

/** Show `regions`, the most salient first, in `boxes`, which covers the photo, and their classes in `list`. */
export function showRegions(regions, { boxes, list }) {
  const names = [...new Set(regions.map((region) => region.class))];
  const colours = new Map(names.map((name, index) => [name, COLOURS[index % COLOURS.length]]));
  // Small boxes are above large ones.
  const byArea = regions.toSorted((a, b) => b.box.width * b.box.height - a.box.width * a.box.height);
  boxes.replaceChildren(...byArea.map((region) => makeBox(region, colours.get(region.class))));
  list.replaceChildren(
    ...names.map((name) => {
      const own = regions.filter((region) => region.class === name);
      return makeEntry(name, own, colours.get(name));
    }),
  );
  if (!names.length) list.append(makePart("li", "quiet", "No object that Foveate knows was found."));
}

function makeBox(region, colour) {
  const { x, y, width, height } = region.box;
  const element = makePart("div", "box");
  element.style.setProperty("--colour", colour);
  for (const [side, share] of Object.entries({ left: x, top: y, width, height })) {
    element.style.setProperty(side, `${share * 100}%`);
  }
  // Above the box or far right, a name would leave the photo.
  element.classList.toggle("at-top", y < 0.12);
  element.classList.toggle("to-left", x > 0.6);
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
