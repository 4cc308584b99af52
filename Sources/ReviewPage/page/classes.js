/** What the classes of a job are called. */

import { h, plain } from "./elements.js";
import { cssColourOf } from "./palette.js";

const storageName = (classes) => `segscore.classNames.${classes}`;

/** Names of classes: the job's, else the reviewer's, else numbers. */
export class ClassNames {
  /** @param {object} job its document */
  constructor(job) {
    this.count = job.shape?.classes ?? 0;
    const ofJob = job.parameters.class_names;
    /** Whether the job names its classes; then nobody else does. */
    this.areOfJob = Array.isArray(ofJob) && ofJob.length > 0;
    this.names = this.areOfJob ? ofJob : read(this.count);
  }

  /** A class's name, or its number alone. */
  nameOf(index) {
    return plain(this.names[index] || String(index));
  }

  /** What the reviewer calls the classes, for who knows the job alone; null if nobody has named any. */
  get typed() {
    if (this.areOfJob || !this.names.some(Boolean)) return null;
    // Lists in addresses are parted by commas.
    return Array.from({ length: this.count }, (_, k) => (this.names[k] || String(k)).replaceAll(",", " "));
  }

  /** Number and name. */
  labelOf(index) {
    const name = this.nameOf(index);
    return name === String(index) ? `class ${index}` : `${index} ${name}`;
  }

  /** Keeps names for all jobs of as many classes that bring none; an empty one is the number again. */
  keep(names) {
    this.names = names;
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
