/** Which part of an image the canvas shows, and how mouse, fingers and keys change that. */

/**
 * @typedef {object} View
 * @property {number} x the column, in pixels of the image, in the middle of the canvas
 * @property {number} y the row there
 * @property {number} scale CSS pixels a pixel of the image
 * @property {number} density pixels of the device a CSS pixel
 */

const largestScale = 64;

export class Viewport {
  /**
   * @param {HTMLElement} surface what is dragged and rolled over
   * @param {(byHand: boolean) => void} changed called after each change, told whether the reviewer made it
   */
  constructor(surface, changed) {
    this.surface = surface;
    this.changed = changed;
    this.image = { width: 1, height: 1 };
    this.view = { x: 0, y: 0, scale: 1, density: 1 };
    this.pointers = new Map();
    surface.addEventListener("wheel", (event) => this.roll(event), { passive: false });
    surface.addEventListener("pointerdown", (event) => this.press(event));
    surface.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) {
      surface.addEventListener(name, (event) => this.pointers.delete(event.pointerId));
    }
  }

  get width() {
    return this.surface.clientWidth;
  }

  get height() {
    return this.surface.clientHeight;
  }

  /** The least scale: the whole image, with as much room around it. */
  get smallestScale() {
    return Math.min(1, Math.min(this.width / this.image.width, this.height / this.image.height) / 2);
  }

  /** Shows a box of the image in the middle, in pixels of the image. */
  fit([x, y, width, height]) {
    const scale = Math.min(this.width / width, this.height / height);
    this.set({ x: x + width / 2, y: y + height / 2, scale }, false);
  }

  fitImage() {
    this.fit([0, 0, this.image.width, this.image.height]);
  }

  /** Shows a region with what lies around it: half of its extent on each side, at least 24 pixels. */
  fitRegion([x, y, width, height]) {
    const margin = Math.max(24, 0.5 * Math.max(width, height));
    // What lies beyond the image tells nothing: of the margin only what is image counts, and a little for the outline.
    const edge = 4;
    const [left, top] = [Math.max(-edge, x - margin), Math.max(-edge, y - margin)];
    const right = Math.min(this.image.width + edge, x + width + margin);
    const bottom = Math.min(this.image.height + edge, y + height + margin);
    const scale = Math.min(this.width / (right - left), this.height / (bottom - top), largestScale);
    // Nor does the window show beyond the image where it could show more of it.
    const within = (middle, half, whole) =>
      2 * half > whole + 2 * edge ? whole / 2 : Math.min(whole + edge - half, Math.max(half - edge, middle));
    this.set(
      {
        x: within((left + right) / 2, this.width / 2 / scale, this.image.width),
        y: within((top + bottom) / 2, this.height / 2 / scale, this.image.height),
        scale,
      },
      false,
    );
  }

  set({ x = this.view.x, y = this.view.y, scale = this.view.scale }, byHand) {
    const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
    this.view = {
      x: clamp(x, 0, this.image.width),
      y: clamp(y, 0, this.image.height),
      scale: clamp(scale, this.smallestScale, largestScale),
      density: window.devicePixelRatio || 1,
    };
    this.changed(byHand);
  }

  /** Moves by CSS pixels. */
  pan(across, down) {
    const { x, y, scale } = this.view;
    this.set({ x: x + across / scale, y: y + down / scale }, true);
  }

  /** Zooms by a factor around a point of the surface, by default its middle, in CSS pixels. */
  zoom(factor, [across, down] = [this.width / 2, this.height / 2]) {
    const [column, row] = this.imagePoint(across, down);
    const scale = Math.min(largestScale, Math.max(this.smallestScale, this.view.scale * factor));
    const [x, y] = [column - (across - this.width / 2) / scale, row - (down - this.height / 2) / scale];
    this.set({ x, y, scale }, true);
  }

  /** The place of the image under a point of the surface. */
  imagePoint(across, down) {
    const { x, y, scale } = this.view;
    return [x + (across - this.width / 2) / scale, y + (down - this.height / 2) / scale];
  }

  /** A point of an event within the surface, in CSS pixels. */
  pointOf(event) {
    const box = this.surface.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  roll(event) {
    event.preventDefault();
    // Lines and pages of the wheel are about 16 and 400 pixels.
    const pixels = event.deltaY * [1, 16, 400][event.deltaMode];
    // Pinches of a touchpad come as wheels with Ctrl, in much smaller steps.
    this.zoom(Math.exp(-pixels * (event.ctrlKey ? 0.01 : 0.002)), this.pointOf(event));
  }

  press(event) {
    // A button that lies on the surface keeps its click.
    if (event.button !== 0 || event.target.closest("button")) return;
    this.surface.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, this.pointOf(event));
  }

  move(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const now = this.pointOf(event);
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    this.pointers.set(event.pointerId, now);
    if (other) {
      const [apart, apartBefore] = [now, before].map(([x, y]) => Math.hypot(x - other[0], y - other[1]));
      // Two fingers hold the point between them.
      this.pan((before[0] - now[0]) / 2, (before[1] - now[1]) / 2);
      this.zoom(apart / Math.max(1, apartBefore), [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2]);
    } else {
      this.pan(before[0] - now[0], before[1] - now[1]);
    }
  }
}
