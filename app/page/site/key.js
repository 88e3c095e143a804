// The form for an API key, which is kept for this tab and sent to this service only.

const NAME = "foveate-key";

/** Calls `onKey` with the stored key, if there is one, and with each valid key that the user enters. */
export class KeyForm {
  #form;
  #field;
  #error;
  #onKey;

  constructor(form, onKey) {
    this.#form = form;
    this.#field = form.querySelector("input");
    this.#error = form.querySelector(".error");
    this.#onKey = onKey;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#check(this.#field.value.trim());
    });
    const stored = sessionStorage.getItem(NAME);
    if (stored) onKey(stored);
  }

  /** Show the form: there is no key, or the stored one is not valid. */
  ask() {
    sessionStorage.removeItem(NAME);
    if (!this.#form.hidden) return;
    this.#form.hidden = false;
    this.#field.focus();
  }

  async #check(key) {
    this.#showError("");
    let response;
    try {
      const headers = { Authorization: `Bearer ${key}` };
      response = await fetch("compress", { method: "OPTIONS", headers });
    } catch {
      // fetch() also rejects headers that are not ASCII.
      this.#showError(/^[\x20-\x7e]+$/.test(key) ? "The service can't be reached." : "A key may contain ASCII letters, digits and punctuation only.");
      return;
    }
    if (response.status === 401) {
      this.#showError("This key is not valid.");
      return;
    }
    sessionStorage.setItem(NAME, key);
    this.#field.value = "";
    this.#form.hidden = true;
    this.#onKey(key);
  }

  #showError(text) {
    this.#error.textContent = text;
    this.#error.hidden = !text;
  }
}
