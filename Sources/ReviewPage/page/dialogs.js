/** Dialogs: help, a class, a note, names of classes, a key. Each is made, asked once, and gone. */

import { setKey } from "./api.js";
import { h } from "./elements.js";
import { boundKeys } from "./keys.js";
import { swatch } from "./classes.js";

/**
 * Shows a form, and waits for what is chosen.
 * @param {string} title
 * @param {Node[]} content
 * @param {() => unknown} [result] what the form's own button gives; without one there is only a way out
 * @param {string} [accept] what that button says
 * @returns {Promise<unknown>} null if the reviewer went back
 */
function open(title, content, result, accept = "Save") {
  return new Promise((resolve) => {
    const returnTo = document.activeElement;
    let answer = null;
    const dialog = h("dialog", { "aria-label": title });
    const form = h(
      "form",
      {
        method: "dialog",
        onsubmit: (event) => {
          event.preventDefault();
          answer = result ? result() : null;
          dialog.close();
        },
      },
      // Without a form the focus would be on the button at the end, and a long list scrolled to it.
      h("h2", result ? {} : { tabindex: "-1", autofocus: true }, title),
      content,
      h(
        "div",
        { class: "dialog-buttons" },
        h("button", { type: "button", onclick: () => dialog.close() }, result ? "Back" : "Close"),
        result && h("button", { type: "submit", class: "primary" }, accept),
      ),
    );
    dialog.append(form);
    dialog.finish = (value) => {
      answer = value;
      dialog.close();
    };
    dialog.addEventListener("close", () => {
      dialog.remove();
      returnTo?.focus?.();
      resolve(answer);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Lists all keys of the view. */
export function showHelp() {
  const groups = Map.groupBy ? Map.groupBy(boundKeys(), ({ group }) => group) : grouped(boundKeys());
  const tables = [...groups].map(([group, rows]) =>
    h(
      "section",
      {},
      h("h3", {}, group),
      h(
        "dl",
        { class: "keys" },
        rows.map(({ show, does }) => [h("dt", {}, show.split(" ").map((key) => h("kbd", {}, key))), h("dd", {}, does)]),
      ),
    )
  );
  return open("Keys", [h("div", { class: "key-groups" }, tables)]);
}

function grouped(rows) {
  const groups = new Map();
  for (const row of rows) groups.set(row.group, [...(groups.get(row.group) ?? []), row]);
  return groups;
}

/**
 * Asks for a class by number or name.
 * @param {import("./classes.js").ClassNames} classes
 * @returns {Promise<number | null>}
 */
export function chooseClass(classes, title) {
  const error = h("p", { class: "field-error", role: "alert" });
  const input = h("input", { type: "text", autocomplete: "off", "aria-label": "Number or name of the class" });
  const all = Array.from({ length: Math.min(classes.count, 400) }, (_, k) => k);
  const buttons = all.map((k) =>
    h(
      "button",
      { type: "button", class: "class-choice", onclick: (event) => event.target.closest("dialog").finish(k) },
      swatch(k),
      h("bdi", {}, classes.labelOf(k)),
    )
  );
  input.addEventListener("input", () => {
    const text = input.value.trim().toLowerCase();
    buttons.forEach((button, k) => (button.hidden = !`${k} ${classes.nameOf(k)}`.toLowerCase().includes(text)));
  });
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    const shown = all.filter((k) => !buttons[k].hidden);
    const found = classes.find(input.value);
    const chosen = found >= 0 ? found : shown.length === 1 ? shown[0] : -1;
    if (chosen >= 0) input.closest("dialog").finish(chosen);
    else error.textContent = "No class, or several, are called that.";
  });
  return open(title, [input, error, h("div", { class: "class-choices" }, buttons)]);
}

/** Asks for a note. @returns {Promise<string | null>} */
export function writeNote(note) {
  const area = h("textarea", { rows: 4, "aria-label": "Note", maxlength: 1000 });
  area.value = note ?? "";
  area.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) area.form.requestSubmit();
  });
  const hint = "It is saved with your verdict on this region. Ctrl and Enter save it from here.";
  return open("Note", [area, h("p", { class: "hint" }, hint)], () => area.value.trim());
}

/** Lets the reviewer name the classes. @returns {Promise<string[] | null>} */
export function nameClasses(classes) {
  const inputs = Array.from({ length: Math.min(classes.count, 400) }, (_, k) => {
    const input = h("input", { type: "text", autocomplete: "off", "aria-label": `Name of class ${k}` });
    input.value = classes.names[k] ?? "";
    return input;
  });
  const rows = inputs.map((input, k) => h("label", { class: "name-row" }, swatch(k), h("span", {}, k), input));
  const list = h("textarea", { rows: 2, placeholder: "ground, road, house", "aria-label": "All names, with commas" });
  list.addEventListener("input", () => {
    list.value.split(/[,\n]/).forEach((name, k) => inputs[k] && (inputs[k].value = name.trim()));
  });
  const hint = `The names stay in this browser, for all jobs of ${classes.count} classes that bring none.`;
  return open(
    "Names of the classes",
    [
      h("p", { class: "hint" }, hint),
      h("label", { class: "field" }, "All at once, with commas between them", list),
      h("div", { class: "name-rows" }, rows),
    ],
    () => inputs.map((input) => input.value.trim()),
  );
}

/** Asks who reviews. @returns {Promise<string | null>} */
export function askReviewer(name) {
  const input = h("input", { type: "text", autocomplete: "username", maxlength: 100 });
  input.value = name === "anonymous" ? "" : name;
  return open(
    "Who reviews?",
    [h("label", { class: "field" }, "Name, which stands with your verdicts", input)],
    () => input.value,
  );
}

/**
 * Asks for the server's key.
 * @param {string} detail why
 * @returns {Promise<boolean>} whether there is one
 */
export async function askKey(detail) {
  const input = h("input", { type: "password", autocomplete: "off", required: true, id: "key" });
  const text = `${detail} It stays in this tab and is forgotten with it.`;
  const field = h("label", { class: "field" }, "Key", input);
  const key = await open("Key", [h("p", {}, text), field], () => input.value.trim(), "Go on");
  if (!key) return false;
  setKey(key);
  return true;
}
