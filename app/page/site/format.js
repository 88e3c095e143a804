// Formats numbers and names for the user.

const number = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

/** Return a number of bytes with three digits and a decimal unit. */
export function formatBytes(count) {
  const units = ["B", "kB", "MB", "GB"];
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${number.format(value)}\u00a0${units[unit]}`;
}

/** Return how much smaller `after` is than `before`; never "-0 %". */
export function formatSaving(before, after) {
  const percent = Math.round((1 - after / before) * 100);
  if (after === before) return "the same size";
  if (percent === 0) return after < before ? "a little smaller" : "a little larger";
  return percent > 0 ? `${percent}\u00a0% smaller` : `${-percent}\u00a0% larger`;
}

/** Return a duration in milliseconds, or in seconds from one second on. */
export function formatDuration(elapsedMs) {
  return elapsedMs < 1000 ? `${Math.round(elapsedMs)}\u00a0ms` : `${(elapsedMs / 1000).toFixed(1)}\u00a0s`;
}

/** Return the file name of a `result` of the photo `name`, which differs from the original's. */
export function resultName(name, result) {
  const stem = name.replace(/\.[^.]{1,5}$/, "") || "photo";
  return `${stem}-foveate.${result.format === "avif" ? "avif" : "jpg"}`;
}
