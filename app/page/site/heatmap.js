// Colours a greyscale map: dark and thin where nobody looks, bright where people do.

// From cold to hot: R, G, B and alpha, all in [0, 255]; between them colours are interpolated.
const STOPS = [
  [8, 10, 34, 120],
  [84, 20, 110, 165],
  [190, 50, 90, 195],
  [246, 130, 40, 215],
  [252, 235, 130, 230],
];

// A map is low over most of a photo; below 1 its lower half gets more of the colours.
const SPREAD = 0.6;

/** Return 256 colours, four bytes each. */
function palette() {
  const colours = new Uint8ClampedArray(256 * 4);
  for (let level = 0; level < 256; level += 1) {
    const position = (level / 255) ** SPREAD * (STOPS.length - 1);
    const from = Math.min(Math.floor(position), STOPS.length - 2);
    for (let part = 0; part < 4; part += 1) {
      const [a, b] = [STOPS[from][part], STOPS[from + 1][part]];
      colours[level * 4 + part] = a + (b - a) * (position - from);
    }
  }
  return colours;
}

const PALETTE = palette();

/** Draw `map`, a greyscale image as a Blob, onto `canvas` in colours. */
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
