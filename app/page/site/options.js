// The form of options, and its values as a query.

// After the last change, so that dragging a slider makes one request.
const DEBOUNCE_MS = 350;

/** Calls `onQuery` with the options as a query, at once and after each change. */
export class OptionsForm {
  #form;
  #onQuery;
  #timer = 0;
  #error;

  constructor(form, onQuery) {
    this.#form = form;
    this.#onQuery = onQuery;
    this.#error = form.querySelector("#options-error");
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", () => this.#changed());
    // The reset event comes before the values have changed.
    form.addEventListener("reset", () => setTimeout(() => this.#changed()));
    this.#updateForm();
    onQuery(this.query);
  }

  /** The options as a query; for one without a value the service has a default. */
  get query() {
    const { elements } = this.#form;
    const query = new URLSearchParams({ heatmap: "map" });
    for (const name of ["quality", "target", "strength", "tune", "format", "subsampling", "metadata"]) {
      query.set(name, elements[name].value);
    }
    if (!elements.hdr.disabled) query.set("hdr", elements.hdr.value);
    query.set("progressive", String(elements.progressive.checked));
    if (elements.floor.value && !elements.floor.disabled) query.set("floor", elements.floor.value);
    for (const name of ["width", "height"]) {
      if (elements[name].value) query.set(name, elements[name].value);
    }
    if (elements.fit.value === "cover") {
      query.set("fit", "cover");
      query.set("gravity", elements.gravity.value);
    }
    const kilobytes = Number(elements.max_kilobytes.value);
    if (kilobytes > 0) query.set("max_bytes", String(Math.round(kilobytes * 1000)));
    return query.toString();
  }

  /** Show an error about the options; an empty string removes it. */
  showError(text) {
    this.#error.textContent = text;
    this.#error.hidden = !text;
  }

  #changed() {
    this.#updateForm();
    clearTimeout(this.#timer);
    const invalid = [...this.#form.elements].find((field) => field.willValidate && !field.validity.valid);
    for (const field of this.#form.elements) {
      if (field === invalid) field.setAttribute("aria-invalid", "true");
      else field.removeAttribute?.("aria-invalid");
    }
    this.showError(invalid ? `${invalid.labels[0].textContent.trim()}: ${invalid.validationMessage}` : "");
    if (!invalid) this.#timer = setTimeout(() => this.#onQuery(this.query), DEBOUNCE_MS);
  }

  #updateForm() {
    const { elements } = this.#form;
    for (const name of ["quality", "strength"]) {
      this.#form.querySelector(`#${name}-value`).textContent = elements[name].value;
    }
    // Only a JPEG has a gain map and scans.
    for (const name of ["hdr", "progressive"]) elements[name].disabled = elements.format.value !== "jpeg";
    elements.floor.disabled = elements.target.value !== "quality";
    const crops = elements.fit.value === "cover";
    elements.gravity.disabled = !crops;
    for (const name of ["width", "height"]) elements[name].required = crops;
  }
}
