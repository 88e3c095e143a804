// A standard JPEG of a given size, made by the browser's encoder, for comparison.

/**
 * Return {blob, quality} of `source`, a Blob, as a JPEG of `width` by `height` pixels. Its quality is
 * the lowest with at least `targetBytes`, so that Foveate's file is never larger; 100 if none has as
 * many. Rejects when the browser can't decode `source`.
 */
export async function encodeStandardJpeg(source, { width, height }, targetBytes, signal) {
  const bitmap = await createImageBitmap(source);
  try {
    // A <canvas> element's toBlob() waits until the browser is idle, up to a second each time.
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d", { alpha: false });
    context.fillStyle = "#fff"; // transparent pixels become white, as in the service
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingQuality = "high"; // if the options reduce the size
    context.drawImage(bitmap, 0, 0, width, height);
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
  } finally {
    bitmap.close();
  }
}

function toJpeg(canvas, quality) {
  return canvas.convertToBlob({ type: "image/jpeg", quality: quality / 100 });
}
