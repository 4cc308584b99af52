/** What the classes of a job are called. */

import { h, plain } from "./elements.js";
import { cssColourOf } from "./palette.js";

const storageName = (classes) => `segscore.classNames.${classes}`;

/** Names of classes: the reviewer's, else the job's, else numbers. */
export class ClassNames {
  /** @param {object} job its document */
  constructor(job) {
    this.count = job.shape.classes;
    this.ofJob = Array.isArray(job.parameters.class_names) ? job.parameters.class_names : [];
    this.typed = read(this.count);
  }

  /** A class's name, or its number alone. */
  nameOf(index) {
    return plain(this.typed[index] || this.ofJob[index] || String(index));
  }

  /** Number and name. */
  labelOf(index) {
    const name = this.nameOf(index);
    return name === String(index) ? `class ${index}` : `${index} ${name}`;
  }

  /** Keeps names for all jobs of as many classes; an empty one is the job's own again. */
  keep(names) {
    this.typed = names;
    localStorage.setItem(storageName(this.count), JSON.stringify(names));
  }

  /** The number of the class that a text names, by number or by the beginning of a name; -1 for none. */
  find(text) {
    const wanted = text.trim().toLowerCase();
    if (/^\d+$/.test(wanted)) return Number(wanted) < this.count ? Number(wanted) : -1;
    const all = Array.from({ length: this.count }, (_, k) => this.nameOf(k).toLowerCase());
    const whole = all.indexOf(wanted);
    return whole >= 0 ? whole : all.findIndex((name) => wanted !== "" && name.startsWith(wanted));
  }

  /** A swatch and the class's number and name. */
  chip(index) {
    return h("span", { class: "chip" }, swatch(index), h("bdi", {}, this.labelOf(index)));
  }

  /** Two chips with an arrow between them. */
  pair(given, suggested) {
    return h(
      "span",
      { class: "pair" },
      this.chip(given),
      h("span", { class: "arrow", "aria-label": "rather" }, "→"),
      this.chip(suggested),
    );
  }
}

/** A square of a class's colour. */
export function swatch(index) {
  const element = h("span", { class: "swatch", "aria-hidden": "true" });
  element.style.backgroundColor = cssColourOf(index);
  return element;
}

function read(classes) {
  try {
    const names = JSON.parse(localStorage.getItem(storageName(classes)) ?? "[]");
    return Array.isArray(names) ? names.map(String) : [];
  } catch {
    return [];
  }
}
