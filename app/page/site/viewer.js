// Shows two pictures on top of each other, with a divider, and zooms and pans both.

const MAX_ZOOM = 16; // relative to one screen pixel for each pixel of the photo
const ZOOM_STEP = 1.5;
const PAN_STEP = 0.1; // relative to the viewer's side

/** The geometry of the viewer; the comparison sets its pictures. */
export class Viewer {
  #element;
  #split;
  #level;
  #natural = { width: 1, height: 1 };
  #scale = 1;
  #x = 0;
  #y = 0;
  #pointers = new Map();
  #dragged = "nothing";

  constructor(element, { level, zoomIn, zoomOut, fit, full }) {
    this.#element = element;
    this.#split = element.querySelector("#split");
    this.#level = level;
    zoomIn.addEventListener("click", () => this.#zoom(this.#scale * ZOOM_STEP));
    zoomOut.addEventListener("click", () => this.#zoom(this.#scale / ZOOM_STEP));
    fit.addEventListener("click", () => this.#zoom(1));
    full.addEventListener("click", () => this.#zoom(this.#fullScale));
    this.#split.addEventListener("input", () => this.#update());
    element.addEventListener("pointerdown", (event) => this.#press(event));
    element.addEventListener("pointermove", (event) => this.#drag(event));
    for (const name of ["pointerup", "pointercancel"]) {
      element.addEventListener(name, (event) => this.#release(event));
    }
    element.addEventListener("dblclick", (event) => this.#toggleZoom(event));
    element.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    element.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => this.#update()).observe(element);
    this.#update();
  }

  /** Take the size of a photo in pixels; without `keepZoom` show all of it. */
  setSize(width, height, { keepZoom }) {
    this.#natural = { width, height };
    this.#element.style.setProperty("--ratio", String(width / height));
    this.#element.style.setProperty("--natural-width", String(width));
    if (!keepZoom) [this.#scale, this.#x, this.#y] = [1, 0, 0];
    this.#update();
  }

  /** Set the names of the two pictures, which screen readers announce. */
  setNames(left, right) {
    this.#split.dataset.left = left;
    this.#split.dataset.right = right;
    this.#update();
  }

  get #fullScale() {
    const devicePixels = this.#element.clientWidth * devicePixelRatio;
    return Math.max(this.#natural.width / Math.max(devicePixels, 1), 1);
  }

  #zoom(scale, centreX = this.#element.clientWidth / 2, centreY = this.#element.clientHeight / 2) {
    const newScale = Math.min(Math.max(scale, 1), this.#fullScale * MAX_ZOOM);
    const ratio = newScale / this.#scale;
    this.#x = centreX - (centreX - this.#x) * ratio;
    this.#y = centreY - (centreY - this.#y) * ratio;
    this.#scale = newScale;
    this.#update();
  }

  #pan(byX, byY) {
    this.#x += byX;
    this.#y += byY;
    this.#update();
  }

  #update() {
    const { clientWidth: width, clientHeight: height, style } = this.#element;
    this.#x = Math.min(Math.max(this.#x, width * (1 - this.#scale)), 0);
    this.#y = Math.min(Math.max(this.#y, height * (1 - this.#scale)), 0);
    style.setProperty("--x", `${this.#x}px`);
    style.setProperty("--y", `${this.#y}px`);
    style.setProperty("--scale", String(this.#scale));
    const splitPercent = Number(this.#split.value);
    style.setProperty("--split", `${splitPercent}%`);
    const { left = "", right = "" } = this.#split.dataset;
    this.#split.setAttribute("aria-valuetext", `${splitPercent} % ${left}, ${100 - splitPercent} % ${right}`);
    const zoom = (width * devicePixelRatio * this.#scale) / this.#natural.width;
    this.#level.textContent = `${Math.round(zoom * 100)} %`;
    this.#element.classList.toggle("zoomed", this.#scale > 1);
    this.#element.classList.toggle("pixels", zoom >= 2);
  }

  #position(event) {
    const box = this.#element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top, width: box.width };
  }

  #press(event) {
    if (event.button > 0 || this.#element.classList.contains("alone")) return;
    const at = this.#position(event);
    this.#pointers.set(event.pointerId, at);
    this.#element.setPointerCapture(event.pointerId);
    const fromHandle = Math.abs(at.x - (Number(this.#split.value) / 100) * at.width);
    this.#dragged = this.#scale === 1 || fromHandle < 24 ? "divider" : "photo";
    if (this.#pointers.size > 1) this.#dragged = "fingers";
  }

  #drag(event) {
    const before = this.#pointers.get(event.pointerId);
    if (!before) return;
    const at = this.#position(event);
    if (this.#dragged === "divider") {
      this.#split.value = String((at.x / at.width) * 100);
      this.#update();
    } else if (this.#dragged === "photo") {
      this.#pan(at.x - before.x, at.y - before.y);
    } else {
      const other = [...this.#pointers].find(([id]) => id !== event.pointerId)?.[1];
      if (other) this.#pinch(before, at, other);
    }
    this.#pointers.set(event.pointerId, at);
  }

  #pinch(before, at, other) {
    const distance = (point) => Math.hypot(point.x - other.x, point.y - other.y);
    const [centreX, centreY] = [(at.x + other.x) / 2, (at.y + other.y) / 2];
    this.#zoom((this.#scale * distance(at)) / Math.max(distance(before), 1), centreX, centreY);
    this.#pan((at.x - before.x) / 2, (at.y - before.y) / 2);
  }

  #release(event) {
    this.#pointers.delete(event.pointerId);
    if (this.#pointers.size === 1) this.#dragged = "photo";
  }

  #toggleZoom(event) {
    const at = this.#position(event);
    this.#zoom(this.#scale > 1 ? 1 : Math.max(this.#fullScale, 2), at.x, at.y);
  }

  #wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return; // let the page scroll
    event.preventDefault();
    const at = this.#position(event);
    this.#zoom(this.#scale * Math.exp(-event.deltaY / 200), at.x, at.y);
  }

  #key(event) {
    const { clientWidth, clientHeight } = this.#element;
    const zooms = { "+": ZOOM_STEP, "=": ZOOM_STEP, "-": 1 / ZOOM_STEP };
    const pans = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    if (event.ctrlKey || event.metaKey || event.altKey) return; // leave the browser's shortcuts alone
    if (event.key in zooms) this.#zoom(this.#scale * zooms[event.key]);
    else if (event.key === "0") this.#zoom(1);
    else if (event.target === this.#element && event.key in pans && this.#scale > 1) {
      const [x, y] = pans[event.key];
      this.#pan(x * clientWidth * PAN_STEP, y * clientHeight * PAN_STEP);
    } else return;
    event.preventDefault();
  }
}
