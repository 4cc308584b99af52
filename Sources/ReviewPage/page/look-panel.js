/** Layers, sliders and the legend beside the image. */

import { nameClasses } from "./dialogs.js";
import { fill, h } from "./elements.js";
import { swatch } from "./classes.js";
import { hiddenClasses, look, setLook } from "./settings.js";

/** One state of the flicker lasts this long, in milliseconds: well below three flashes a second. */
const flickerTime = 600;
/** A shorter press of the space bar switches the mask off, a longer one hides it while it lasts. */
const shortPress = 250;

const sliders = [
  {
    name: "opacity",
    label: "Opacity",
    least: 0,
    most: 1,
    step: 0.05,
    usual: 0.45,
    unit: (value) => `${Math.round(value * 100)} %`,
  },
  {
    name: "brightness",
    label: "Brightness",
    least: -2,
    most: 5,
    step: 0.1,
    usual: 0,
    unit: (value) => `× ${(2 ** value).toPrecision(2)}`,
  },
  {
    name: "contrast",
    label: "Contrast",
    least: 0.4,
    most: 3,
    step: 0.05,
    usual: 1,
    unit: (value) => `${Math.round(value * 100)} %`,
  },
];

export class LookPanel {
  /**
   * @param {import("./painter.js").Painter} painter
   * @param {import("./classes.js").ClassNames} classes
   * @param {{named: () => void, changed: () => void}} options `named` is called after the classes
   *   were named, `changed` after any change
   */
  constructor(painter, classes, { named, changed }) {
    this.painter = painter;
    this.classes = classes;
    this.named = named;
    this.changed = changed;
    this.hidden = false;
    this.layerButtons = {};
    this.toggles = {};
    this.inputs = {};
    this.legend = h("ul", { class: "legend" });
    this.element = h("div", { class: "look" }, this.layers(), this.sliders(), this.legendSection());
    this.fillLegend();
    this.show();
  }

  layers() {
    const layer = (name, label, key) => {
      this.layerButtons[name] = this.button(label, key, () => this.chooseLayer(name));
      return this.layerButtons[name];
    };
    const toggle = (name, label, key, act) => {
      this.toggles[name] = this.button(label, key, act);
      return this.toggles[name];
    };
    return h(
      "section",
      { "aria-label": "Layers" },
      h(
        "div",
        { class: "segments", role: "group", "aria-label": "Mask" },
        layer("given", "Given", "1"),
        layer("suggested", "Suggested", "2"),
        layer("scores", "Scores", "4"),
      ),
      h(
        "div",
        { class: "toggles", role: "group", "aria-label": "Ways to look" },
        toggle("flicker", "Flicker", "F", () => this.flicker()),
        toggle("hidden", "Hide", "Space", () => this.hide(!this.hidden)),
        toggle("hatch", "Issues", "3", () => this.change({ hatch: !look.hatch })),
        toggle("contour", "Contour", "C", () => this.change({ contour: !look.contour })),
      ),
    );
  }

  button(label, key, act) {
    return h(
      "button",
      { type: "button", "aria-pressed": "false", onclick: act },
      label,
      " ",
      h("kbd", { "aria-hidden": "true" }, key),
    );
  }

  sliders() {
    const rows = sliders.map(({ name, label, least, most, step, unit }) => {
      const output = h("output", {});
      const input = h("input", { type: "range", min: least, max: most, step, "aria-label": label });
      input.addEventListener("input", () => this.change({ [name]: Number(input.value) }));
      this.inputs[name] = () => {
        input.value = look[name];
        output.textContent = unit(look[name]);
      };
      return h("label", { class: "slider" }, h("span", {}, label), input, output);
    });
    const reset = () => this.change(Object.fromEntries(sliders.map(({ name, usual }) => [name, usual])));
    return h(
      "section",
      { class: "sliders", "aria-label": "Sliders" },
      rows,
      h("button", { type: "button", class: "plain", onclick: reset }, "Reset sliders"),
    );
  }

  legendSection() {
    const rename = async () => {
      const names = await nameClasses(this.classes);
      if (!names) return;
      this.classes.keep(names);
      this.fillLegend();
      this.named();
    };
    const all = () => {
      hiddenClasses.clear();
      this.fillLegend();
      this.show();
    };
    return h(
      "section",
      { "aria-label": "Classes" },
      h(
        "div",
        { class: "section-head" },
        h("h2", {}, "Classes"),
        h("button", { type: "button", class: "plain", onclick: all }, "Show all"),
        !this.classes.areOfJob && h("button", { type: "button", class: "plain", onclick: rename }, "Name…"),
      ),
      this.legend,
    );
  }

  fillLegend() {
    const shown = Math.min(this.classes.count, 400);
    fill(
      this.legend,
      Array.from({ length: shown }, (_, k) => {
        const box = h("input", { type: "checkbox" });
        box.checked = !hiddenClasses.has(k);
        box.addEventListener("change", () => {
          if (box.checked) hiddenClasses.delete(k);
          else hiddenClasses.add(k);
          this.show();
        });
        const name = this.classes.nameOf(k);
        return h(
          "li",
          { "data-class": k },
          h(
            "label",
            {},
            box,
            swatch(k),
            h("span", { class: "number" }, k),
            h("bdi", {}, name === String(k) ? "" : name),
          ),
        );
      }),
    );
  }

  /** Notes which classes the region is about. */
  mark(given, suggested) {
    for (const row of this.legend.children) {
      const k = Number(row.dataset.class);
      row.classList.toggle("is-given", k === given);
      row.classList.toggle("is-suggested", k === suggested);
    }
  }

  chooseLayer(layer) {
    this.stopFlicker();
    this.hidden = false;
    this.change({ layer });
  }

  change(changes) {
    setLook(changes);
    this.show();
  }

  /** Starts and stops the change between given and suggested; who wants no motion changes by hand. */
  flicker() {
    const swap = () => this.change({ layer: look.layer === "suggested" ? "given" : "suggested" });
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
      swap();
      return;
    }
    if (this.flickering) {
      this.stopFlicker();
    } else {
      this.hidden = false;
      this.flickering = setInterval(swap, flickerTime);
      swap();
    }
    this.show();
  }

  stopFlicker() {
    clearInterval(this.flickering);
    this.flickering = null;
  }

  hide(hidden) {
    this.hidden = hidden;
    this.show();
  }

  /** The space bar goes down. */
  pressHide(event) {
    if (event.repeat) return;
    this.pressed = { at: performance.now(), wasHidden: this.hidden };
    this.hide(true);
  }

  /** And up: after a short press what was shown stays hidden, else all is as before. */
  releaseHide() {
    if (!this.pressed) return;
    const short = performance.now() - this.pressed.at < shortPress;
    this.hide(short ? !this.pressed.wasHidden : this.pressed.wasHidden);
    this.pressed = null;
  }

  /** Brings buttons, sliders and the painter in line. */
  show() {
    const press = (button, isOn) => button.setAttribute("aria-pressed", String(Boolean(isOn)));
    for (const [name, button] of Object.entries(this.layerButtons)) press(button, look.layer === name && !this.hidden);
    press(this.toggles.flicker, this.flickering);
    press(this.toggles.hidden, this.hidden);
    press(this.toggles.hatch, look.hatch);
    press(this.toggles.contour, look.contour);
    for (const update of Object.values(this.inputs)) update();
    const { layer, opacity, contour, hatch, brightness, contrast } = look;
    this.painter.setOptions({ layer, opacity, contour, hatch, brightness, contrast, hidden: this.hidden });
    this.painter.setClasses(this.classes.count, hiddenClasses);
    this.changed?.();
  }

  /** @returns {import("./keys.js").Binding[]} */
  keys() {
    const group = "Look";
    const step = (change) => () =>
      this.change({ opacity: Math.min(1, Math.max(0, Math.round((look.opacity + change) * 20) / 20)) });
    let before = 1;
    const toggleOpacity = () => {
      if (look.opacity > 0) before = look.opacity;
      this.change({ opacity: look.opacity > 0 ? 0 : before });
    };
    return [
      {
        keys: [" "],
        show: "Space",
        does: "hide the mask while held; a tap switches it off and on",
        group,
        act: (event) => this.pressHide(event),
        release: () => this.releaseHide(),
      },
      { keys: ["f"], show: "F", does: "flicker between given and suggested", group, act: () => this.flicker() },
      { keys: ["1"], show: "1", does: "given classes", group, act: () => this.chooseLayer("given") },
      { keys: ["2"], show: "2", does: "suggested classes", group, act: () => this.chooseLayer("suggested") },
      { keys: ["3"], show: "3", does: "hatch the issues", group, act: () => this.change({ hatch: !look.hatch }) },
      {
        keys: ["4"],
        show: "4",
        does: "heat map of the scores: bright is suspect",
        group,
        act: () => this.chooseLayer("scores"),
      },
      { keys: ["c"], show: "C", does: "contours alone", group, act: () => this.change({ contour: !look.contour }) },
      { keys: ["["], show: "[", does: "less opaque", group, act: step(-0.05) },
      { keys: ["]"], show: "]", does: "more opaque", group, act: step(0.05) },
      { keys: ["o"], show: "O", does: "no colour, and back", group, act: toggleOpacity },
    ];
  }

  dispose() {
    this.stopFlicker();
  }
}
