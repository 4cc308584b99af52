/** What the page says without being asked: short for those who listen, and longer where something needs a hand. */

import { fill, h } from "./elements.js";

/** Says something once to screen readers, such as a verdict that was taken. */
export function say(text) {
  document.getElementById("polite").textContent = text;
}

/**
 * Shows a notice until it is closed or taken back, one a `key`.
 * @param {string} key what the notice is about; a second one of the same key takes the first one's place
 * @param {string} text
 * @param {{label: string, act: () => void}[]} [actions]
 */
export function notice(key, text, actions = []) {
  const list = document.getElementById("notices");
  let box = [...list.children].find((child) => child.dataset.key === key);
  if (!box) {
    box = h("div", { class: "notice", "data-key": key });
    list.append(box);
  }
  fill(
    box,
    h("p", {}, text),
    actions.map(({ label, act }) => h("button", { type: "button", onclick: act }, label)),
    h(
      "button",
      { type: "button", class: "plain", "aria-label": "Close this notice", onclick: () => withdraw(key) },
      "×",
    ),
  );
  document.getElementById("assertive").textContent = text;
}

/** Takes a notice back. */
export function withdraw(key) {
  for (const child of [...document.getElementById("notices").children]) {
    if (child.dataset.key === key) child.remove();
  }
}
