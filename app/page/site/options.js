// The form of options: its values as a query, after a moment without changes.

const SETTLE_MS = 350;

/** Calls `onQuery` with the query of the options, at once and after each change. */
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
    form.addEventListener("input", () => this.#later());
    // The reset event comes before the values are back.
    form.addEventListener("reset", () => setTimeout(() => this.#later()));
    this.#show();
    onQuery(this.query);
  }

  /** The options as a query; what has no value is left to the service. */
  get query() {
    const { elements } = this.#form;
    const query = new URLSearchParams({ heatmap: "map" });
    for (const name of ["quality", "target", "strength", "subsampling", "metadata"]) {
      query.set(name, elements[name].value);
    }
    query.set("progressive", String(elements.progressive.checked));
    if (elements.floor.value && !elements.floor.disabled) query.set("floor", elements.floor.value);
    for (const name of ["width", "height"]) {
      if (elements[name].value) query.set(name, elements[name].value);
    }
    const kilobytes = Number(elements.max_kilobytes.value);
    if (kilobytes > 0) query.set("max_bytes", String(Math.round(kilobytes * 1000)));
    return query.toString();
  }

  /** Show what the service says of the options; an empty string takes it back. */
  complain(words) {
    this.#error.textContent = words;
    this.#error.hidden = !words;
  }

  #later() {
    this.#show();
    clearTimeout(this.#timer);
    const wrong = [...this.#form.elements].find((field) => field.willValidate && !field.validity.valid);
    for (const field of this.#form.elements) {
      if (field === wrong) field.setAttribute("aria-invalid", "true");
      else field.removeAttribute?.("aria-invalid");
    }
    this.complain(wrong ? `${wrong.labels[0].textContent.trim()}: ${wrong.validationMessage}` : "");
    if (!wrong) this.#timer = setTimeout(() => this.#onQuery(this.query), SETTLE_MS);
  }

  #show() {
    const { elements } = this.#form;
    for (const name of ["quality", "strength"]) {
      this.#form.querySelector(`#${name}-value`).textContent = elements[name].value;
    }
    elements.floor.disabled = elements.target.value !== "quality";
  }
}
