// The key of a service that asks for one: kept for this tab, sent to this service only.

const NAME = "foveate-key";

/** Calls `onKey` with the key that is known, at once, and with each right one that a person gives. */
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
      this.#try(this.#field.value.trim());
    });
    const known = sessionStorage.getItem(NAME);
    if (known) onKey(known);
  }

  /** Show the form: the key that is known, if any, isn't the right one. */
  ask() {
    sessionStorage.removeItem(NAME);
    if (!this.#form.hidden) return;
    this.#form.hidden = false;
    this.#field.focus();
  }

  async #try(key) {
    this.#complain("");
    let answer;
    try {
      const headers = { Authorization: `Bearer ${key}` };
      answer = await fetch("/compress", { method: "OPTIONS", headers });
    } catch {
      // What isn't ASCII can't be a header, nor a key.
      this.#complain(/^[\x20-\x7e]+$/.test(key) ? "The service can't be reached." : "No key looks like this.");
      return;
    }
    if (answer.status === 401) {
      this.#complain("The service doesn't know this key.");
      return;
    }
    sessionStorage.setItem(NAME, key);
    this.#field.value = "";
    this.#form.hidden = true;
    this.#onKey(key);
  }

  #complain(words) {
    this.#error.textContent = words;
    this.#error.hidden = !words;
  }
}
