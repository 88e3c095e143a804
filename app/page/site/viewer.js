// Two pictures on top of each other: a divider between them, zoom and pan that both follow.

const LARGEST_ZOOM = 16; // of the photo's own pixels
const STEP = 1.5;
const KEY_PAN = 0.1; // of the viewer's side

/** The geometry of the viewer; which pictures it shows is the stage's affair. */
export class Viewer {
  #element;
  #split;
  #level;
  #natural = { width: 1, height: 1 };
  #scale = 1;
  #x = 0;
  #y = 0;
  #pointers = new Map();
  #moves = "nothing";

  constructor(element, { level, zoomIn, zoomOut, fit, full }) {
    this.#element = element;
    this.#split = element.querySelector("#split");
    this.#level = level;
    zoomIn.addEventListener("click", () => this.#zoom(this.#scale * STEP));
    zoomOut.addEventListener("click", () => this.#zoom(this.#scale / STEP));
    fit.addEventListener("click", () => this.#zoom(1));
    full.addEventListener("click", () => this.#zoom(this.#scaleOfPixels));
    this.#split.addEventListener("input", () => this.#place());
    element.addEventListener("pointerdown", (event) => this.#press(event));
    element.addEventListener("pointermove", (event) => this.#drag(event));
    for (const name of ["pointerup", "pointercancel"]) {
      element.addEventListener(name, (event) => this.#release(event));
    }
    element.addEventListener("dblclick", (event) => this.#toggle(event));
    element.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    element.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => this.#place()).observe(element);
    this.#place();
  }

  /** Take the shape of a photo; another one is shown whole. */
  setSize(width, height, { keepZoom }) {
    this.#natural = { width, height };
    this.#element.style.setProperty("--ratio", String(width / height));
    this.#element.style.setProperty("--natural-width", String(width));
    if (!keepZoom) [this.#scale, this.#x, this.#y] = [1, 0, 0];
    this.#place();
  }

  /** Say what lies on either side of the divider. */
  name(left, right) {
    this.#split.dataset.left = left;
    this.#split.dataset.right = right;
    this.#place();
  }

  get #scaleOfPixels() {
    const devicePixels = this.#element.clientWidth * devicePixelRatio;
    return Math.max(this.#natural.width / Math.max(devicePixels, 1), 1);
  }

  #zoom(scale, centreX = this.#element.clientWidth / 2, centreY = this.#element.clientHeight / 2) {
    const scaleNow = Math.min(Math.max(scale, 1), this.#scaleOfPixels * LARGEST_ZOOM);
    const grown = scaleNow / this.#scale;
    this.#x = centreX - (centreX - this.#x) * grown;
    this.#y = centreY - (centreY - this.#y) * grown;
    this.#scale = scaleNow;
    this.#place();
  }

  #pan(byX, byY) {
    this.#x += byX;
    this.#y += byY;
    this.#place();
  }

  #place() {
    const { clientWidth: width, clientHeight: height, style } = this.#element;
    this.#x = Math.min(Math.max(this.#x, width * (1 - this.#scale)), 0);
    this.#y = Math.min(Math.max(this.#y, height * (1 - this.#scale)), 0);
    style.setProperty("--x", `${this.#x}px`);
    style.setProperty("--y", `${this.#y}px`);
    style.setProperty("--scale", String(this.#scale));
    const share = Number(this.#split.value);
    style.setProperty("--split", `${share}%`);
    const { left = "", right = "" } = this.#split.dataset;
    this.#split.setAttribute("aria-valuetext", `${share} % ${left}, ${100 - share} % ${right}`);
    const shown = (width * devicePixelRatio * this.#scale) / this.#natural.width;
    this.#level.textContent = `${Math.round(shown * 100)} %`;
    this.#element.classList.toggle("zoomed", this.#scale > 1);
    this.#element.classList.toggle("pixels", shown >= 2);
  }

  #at(event) {
    const box = this.#element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top, width: box.width };
  }

  #press(event) {
    if (event.button > 0 || this.#element.classList.contains("alone")) return;
    const at = this.#at(event);
    this.#pointers.set(event.pointerId, at);
    this.#element.setPointerCapture(event.pointerId);
    const fromHandle = Math.abs(at.x - (Number(this.#split.value) / 100) * at.width);
    this.#moves = this.#scale === 1 || fromHandle < 24 ? "divider" : "photo";
    if (this.#pointers.size > 1) this.#moves = "fingers";
  }

  #drag(event) {
    const before = this.#pointers.get(event.pointerId);
    if (!before) return;
    const at = this.#at(event);
    if (this.#moves === "divider") {
      this.#split.value = String((at.x / at.width) * 100);
      this.#place();
    } else if (this.#moves === "photo") {
      this.#pan(at.x - before.x, at.y - before.y);
    } else {
      const other = [...this.#pointers].find(([id]) => id !== event.pointerId)?.[1];
      if (other) this.#pinch(before, at, other);
    }
    this.#pointers.set(event.pointerId, at);
  }

  #pinch(before, at, other) {
    const apart = (point) => Math.hypot(point.x - other.x, point.y - other.y);
    const [centreX, centreY] = [(at.x + other.x) / 2, (at.y + other.y) / 2];
    this.#zoom((this.#scale * apart(at)) / Math.max(apart(before), 1), centreX, centreY);
    this.#pan((at.x - before.x) / 2, (at.y - before.y) / 2);
  }

  #release(event) {
    this.#pointers.delete(event.pointerId);
    if (this.#pointers.size === 1) this.#moves = "photo";
  }

  #toggle(event) {
    const at = this.#at(event);
    this.#zoom(this.#scale > 1 ? 1 : Math.max(this.#scaleOfPixels, 2), at.x, at.y);
  }

  #wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return; // the page scrolls
    event.preventDefault();
    const at = this.#at(event);
    this.#zoom(this.#scale * Math.exp(-event.deltaY / 200), at.x, at.y);
  }

  #key(event) {
    const { clientWidth, clientHeight } = this.#element;
    const zooms = { "+": STEP, "=": STEP, "-": 1 / STEP };
    const pans = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    if (event.ctrlKey || event.metaKey || event.altKey) return; // the browser's own
    if (event.key in zooms) this.#zoom(this.#scale * zooms[event.key]);
    else if (event.key === "0") this.#zoom(1);
    else if (event.target === this.#element && event.key in pans && this.#scale > 1) {
      const [x, y] = pans[event.key];
      this.#pan(x * clientWidth * KEY_PAN, y * clientHeight * KEY_PAN);
    } else return;
    event.preventDefault();
  }
}
