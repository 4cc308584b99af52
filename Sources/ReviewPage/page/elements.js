/** Builds elements out of text that may come from anywhere: nothing here ever parses HTML. */

/**
 * Makes an element.
 * @param {string} tag
 * @param {object} [properties] `class`, attributes by their names, `on…` listeners, and true for attributes without a
 *   value
 * @param {...(Node | string | number | null | undefined | false)} children text stands as text
 * @returns {HTMLElement}
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  append(element, children);
  return element;
}

/** Replaces what an element holds. */
export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/**
 * A name for places that hold no markup, such as `title`. Controls and marks of direction are shown as a box, so that a
 * name cannot turn the text around it, nor pretend to be two lines.
 */
export function plain(name) {
  return String(name).replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, "▯");
}

/** A name amid other text, kept apart from its direction. */
export function named(name) {
  return h("bdi", { class: "name" }, plain(name));
}

/** A number with blanks between thousands. */
export function count(number) {
  return Math.round(number).toLocaleString("en").replaceAll(",", "\u202f");
}

/** A measure in three digits, or whole if it is large. */
export function measure(number) {
  if (!Number.isFinite(number)) return "–";
  return Math.abs(number) >= 100 ? count(number) : number.toPrecision(3);
}

/** How long from now, in words. */
export function fromNow(time) {
  const minutes = Math.round((new Date(time) - Date.now()) / 60000);
  const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  if (Math.abs(minutes) < 90) return words.format(minutes, "minute");
  if (Math.abs(minutes) < 36 * 60) return words.format(Math.round(minutes / 60), "hour");
  return words.format(Math.round(minutes / 1440), "day");
}
