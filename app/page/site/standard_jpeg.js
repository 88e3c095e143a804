// The original in the result's size, and a standard JPEG of it, made by the browser, for comparison.

/**
 * Return a canvas of `width` by `height` pixels with the part `crop` of `source`, a Blob; x, y, width
 * and height of `crop` are shares of the sides, null is all. Rejects when the browser can't decode `source`.
 */
async function drawOriginal(source, { width, height, crop }) {
  const bitmap = await createImageBitmap(source);
  try {
    // A <canvas> element's toBlob() waits until the browser is idle, up to a second each time.
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d", { alpha: false });
    context.fillStyle = "#fff"; // transparent pixels become white, as in the service
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingQuality = "high"; // if the options reduce the size
    const { x, y, width: across, height: down } = crop ?? { x: 0, y: 0, width: 1, height: 1 };
    const part = [x * bitmap.width, y * bitmap.height, across * bitmap.width, down * bitmap.height];
    context.drawImage(bitmap, ...part, 0, 0, width, height);
    return canvas;
  } finally {
    bitmap.close();
  }
}

/** Return the part of `source` that `result` shows, in its size, as a Blob without loss. */
export async function cropOriginal(source, result) {
  return (await drawOriginal(source, result)).convertToBlob({ type: "image/png" });
}

/**
 * Return {blob, quality} of `source`, a Blob, as a JPEG that shows what `result` does, in its size. Its
 * quality is the lowest with at least `targetBytes`, so that Foveate's file is never larger; 100 if none
 * has as many. Rejects when the browser can't decode `source`.
 */
export async function encodeStandardJpeg(source, result, targetBytes, signal) {
  const canvas = await drawOriginal(source, result);
  let [low, high] = [1, 100];
  let best = null;
  while (low <= high) {
    signal.throwIfAborted();
    const quality = (low + high) >> 1;
    const blob = await toJpeg(canvas, quality);
    if (blob.size >= targetBytes) {
      best = { blob, quality };
      high = quality - 1;
    } else {
      low = quality + 1;
    }
  }
  signal.throwIfAborted();
  return best ?? { blob: await toJpeg(canvas, 100), quality: 100 };
}

function toJpeg(canvas, quality) {
  return canvas.convertToBlob({ type: "image/jpeg", quality: quality / 100 });
}
