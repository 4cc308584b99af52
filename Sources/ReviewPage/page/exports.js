/** What a review gives away: mended masks, decisions, and the masks in the formats of annotation tools. */

import { download, hasKey, jobPath, withQuery } from "./api.js";
import { isPlanar } from "./dimensions.js";
import { fill, h } from "./elements.js";
import { notice, say } from "./notices.js";

const formats = [
  { name: "coco", title: "COCO", readers: "pycocotools, Datumaro, FiftyOne" },
  { name: "cvat-mask", title: "CVAT segmentation mask", readers: "CVAT, Datumaro" },
  { name: "cvat", title: "CVAT for images", readers: "CVAT, Datumaro" },
  { name: "label-studio", title: "Label Studio", readers: "Label Studio" },
  { name: "datumaro", title: "Datumaro", readers: "Datumaro, CVAT" },
  { name: "labelme", title: "LabelMe", readers: "LabelMe" },
  { name: "geojson", title: "GeoJSON", readers: "QuPath, shapely" },
  { name: "fiftyone", title: "FiftyOne", readers: "FiftyOne" },
];

const contents = [
  { name: "mended", title: "mended masks" },
  { name: "given", title: "masks as given" },
  { name: "regions", title: "decided regions alone" },
];

/**
 * What can be taken away.
 * @param {object} job its document
 * @param {import("./classes.js").ClassNames} classes
 * @param {{of: string, threshold: number | null}} scope whose regions are exported, where regions are
 * @returns {Node[]}
 */
export function exportCard(job, classes, scope) {
  const masks = isPlanar(job)
    ? saveButton(job, "mended", "Mended masks, zip of PNG", "application/zip", "zip")
    : saveButton(job, "mended", "Mended labels, npz", "application/x-npz", "npz");
  const table = saveButton(job, "decisions", "Decisions, CSV", "text/csv", "csv");
  const head = h("h2", {}, "Export");
  if (!isPlanar(job)) return [head, h("div", { class: "actions" }, masks, table)];
  const list = h("ul", { class: "formats" });
  const choice = h("select", {}, contents.map(({ name, title }) => h("option", { value: name }, title)));
  const showLinks = () => fill(list, formats.map((format) => formatLink(job, classes, scope, format, choice.value)));
  choice.addEventListener("change", showLinks);
  showLinks();
  return [
    h("div", { class: "section-head" }, head, masks, table),
    h("label", { class: "inline" }, "For annotation tools, a zip of ", choice),
    list,
  ];
}

function formatLink(job, classes, scope, { name, title, readers }, content) {
  const path = jobPath(job.id, "export");
  const query = { format: name, content, class_names: classes.typed?.join(), ...(content === "regions" ? scope : {}) };
  const filename = `${job.id}-${content}-${name}.zip`;
  const link = h("a", { href: withQuery(path, query), download: filename }, title);
  link.addEventListener("click", (event) => {
    // A link streams to the disk, but shows no key; with one the archive goes through the page.
    if (!hasKey()) return;
    event.preventDefault();
    save(path, { accept: "application/zip", query, filename });
  });
  return h("li", {}, link, h("span", { class: "hint" }, readers));
}

/** A button, since a link cannot say which form of the answer it wants. */
function saveButton(job, part, label, accept, ending) {
  const button = h("button", { type: "button" }, label);
  button.addEventListener("click", async () => {
    button.disabled = true;
    await save(jobPath(job.id, part), { accept, filename: `${job.id}-${part}.${ending}` });
    button.disabled = false;
  });
  return button;
}

async function save(path, options) {
  try {
    await download(path, options);
    say(`${options.filename} is saved.`);
  } catch (error) {
    notice("download", error.message);
  }
}
