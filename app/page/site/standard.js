// The standard JPEG at a given size, made by this browser's own encoder: what the same bytes buy
// without a map.

/**
 * Return {blob, quality} of the JPEG of `source` (a Blob that this browser can show) in `width` by
 * `height` pixels with at least `targetBytes`, so that Foveate never has more; of the best quality
 * when none has as many. Rejects when the browser can't read `source`.
 */
export async function encodeStandard(source, { width, height }, targetBytes, signal) {
  const bitmap = await createImageBitmap(source);
  try {
    // An element's own toBlob() waits for an idle moment, up to a second each time.
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d", { alpha: false });
    context.fillStyle = "#fff"; // transparency becomes white, as in the service
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingQuality = "high"; // matters where the options make photos smaller
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
