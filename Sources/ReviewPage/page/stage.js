/** The canvas with its viewport: sizes follow the window, views follow the hand. */

import { fill, h } from "./elements.js";
import { Painter } from "./painter.js";
import { Viewport } from "./view.js";

export class Stage {
  /** @param {(byHand: boolean) => void} viewChanged */
  constructor(viewChanged) {
    this.canvas = h("canvas", { class: "canvas" });
    this.message = h("div", { class: "stage-message", hidden: true });
    this.element = h(
      "div",
      {
        class: "stage",
        tabindex: "0",
        role: "application",
        "aria-busy": "true",
        "aria-label":
          "The image with its mask. Shift and arrows move it, plus and minus zoom. Question mark lists all keys.",
      },
      this.canvas,
      this.message,
    );
    this.painter = new Painter(this.canvas);
    this.viewport = new Viewport(this.element, (byHand) => {
      this.painter.setView(this.viewport.view);
      viewChanged(byHand);
    });
    this.resizing = new ResizeObserver(() => this.resize());
    this.resizing.observe(this.element);
  }

  resize() {
    const density = window.devicePixelRatio || 1;
    this.canvas.width = Math.max(1, Math.round(this.element.clientWidth * density));
    this.canvas.height = Math.max(1, Math.round(this.element.clientHeight * density));
    // The middle stays where it is; a view that was fitted before there was a size is fitted now.
    if (this.fitting) this.fitting();
    else this.viewport.set({}, false);
    // At once: a canvas that has changed its size is empty until it is drawn.
    this.painter.draw();
  }

  /** Fits now, and again whenever the size changes, until the reviewer takes the view in hand. */
  fit(how) {
    this.fitting = how;
    how();
  }

  /** Says why there is nothing to see, with buttons for what can be done; an empty text takes that back. */
  say(text, ...buttons) {
    this.message.hidden = text === "";
    fill(this.message, h("p", {}, text), buttons);
  }

  /** Whether what is shown is not yet what was asked for. */
  set isBusy(isBusy) {
    this.element.setAttribute("aria-busy", String(isBusy));
  }

  dispose() {
    this.resizing.disconnect();
    this.painter.dispose();
  }
}
