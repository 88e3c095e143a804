// Numbers as people read them.

const number = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

/** Bytes in decimal units, three digits. */
export function bytes(count) {
  const units = ["B", "kB", "MB", "GB"];
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${number.format(value)}\u00a0${units[unit]}`;
}

/** What is saved of `before`, in words; never "-0 %". */
export function saving(before, after) {
  const perCent = Math.round((1 - after / before) * 100);
  if (after === before) return "the same size";
  if (perCent === 0) return after < before ? "a little smaller" : "a little larger";
  return perCent > 0 ? `${perCent}\u00a0% smaller` : `${-perCent}\u00a0% larger`;
}

/** Milliseconds, from a second up as seconds. */
export function duration(elapsedMs) {
  return elapsedMs < 1000 ? `${Math.round(elapsedMs)}\u00a0ms` : `${(elapsedMs / 1000).toFixed(1)}\u00a0s`;
}

/** The name under which a result is saved; the original's is never taken. */
export function resultName(name) {
  const stem = name.replace(/\.[^.]{1,5}$/, "") || "photo";
  return `${stem}-foveate.jpg`;
}
