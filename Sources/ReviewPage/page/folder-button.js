/** Opens a folder of pictures where the server has none. */

import { fill, h } from "./elements.js";

/**
 * @param {import("./pictures.js").Pictures} pictures
 * @param {object} job its document
 * @param {() => void} opened
 * @returns {HTMLElement | null} null where the server has the pictures
 */
export function folderButton(pictures, job, opened) {
  if (pictures.areServed) return null;
  const result = h("p", { class: "hint", role: "status" });
  const input = h("input", {
    type: "file",
    webkitdirectory: true,
    multiple: true,
    class: "hidden-text",
    tabindex: "-1",
    "aria-label": "Folder of images",
  });
  input.addEventListener("change", () => {
    const found = pictures.open(input.files);
    const { images } = job.shape;
    fill(
      result,
      found === images ? `All ${images} images have a picture.` : `${found} of ${images} images have a picture.`,
    );
    opened();
  });
  const how = pictures.names ? "matched by their names without endings" : "taken in the order of their sorted names";
  return h(
    "div",
    { class: "folder" },
    h("button", { type: "button", onclick: () => input.click() }, "Open folder of images…"),
    input,
    h("p", { class: "hint" }, `The server has no pictures. Those of a folder are ${how}; nothing leaves this machine.`),
    result,
  );
}
