// Colours a saliency map: dark and transparent where it is low, bright and opaque where it is high.

// From low to high: R, G, B and alpha in [0, 255]; colours between two stops are interpolated.
const STOPS = [
  [8, 10, 34, 120],
  [84, 20, 110, 165],
  [190, 50, 90, 195],
  [246, 130, 40, 215],
  [252, 235, 130, 230],
];

// Most of a map is low: a gamma below 1 gives the lower half more of the colours.
const GAMMA = 0.6;

/** Return the colours of the 256 levels, four bytes each. */
function makePalette() {
  const colours = new Uint8ClampedArray(256 * 4);
  for (let level = 0; level < 256; level += 1) {
    const position = (level / 255) ** GAMMA * (STOPS.length - 1);
    const from = Math.min(Math.floor(position), STOPS.length - 2);
    for (let part = 0; part < 4; part += 1) {
      const [a, b] = [STOPS[from][part], STOPS[from + 1][part]];
      colours[level * 4 + part] = a + (b - a) * (position - from);
    }
  }
  return colours;
}

const PALETTE = makePalette();

/** Draw the coloured `map`, a Blob of a greyscale image, on `canvas`. */
export async function drawHeatmap(map, canvas) {
  const bitmap = await createImageBitmap(map);
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
  const { data } = pixels;
  for (let at = 0; at < data.length; at += 4) {
    const colour = data[at] * 4;
    data.set(PALETTE.subarray(colour, colour + 4), at);
  }
  context.putImageData(pixels, 0, 0);
}
