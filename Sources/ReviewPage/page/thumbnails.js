/** Small pictures of the worst images, the given mask over the picture. */

import { h, named } from "./elements.js";
import { colourOf } from "./palette.js";

/** The longer side, in CSS pixels. */
const size = 160;
const leastSide = 12;
/** Arrays beyond this many bytes in all are fetched only when they are asked for. */
export const politeBytes = 1 << 20;

/**
 * One thumbnail with its caption.
 * @param {{image: number, score: number, slice?: number[]}} row of the ranking, with the slice that is shown
 * @param {string | undefined} name
 * @param {import("./arrays.js").ImageArrays} arrays
 * @param {string | undefined} address of the queue of the image alone, where it has regions
 * @param {Promise<void>} mayLoad
 */
export function thumbnail(row, name, arrays, address, mayLoad) {
  const canvas = h("canvas", { class: "thumbnail", width: size, height: size, "aria-hidden": "true" });
  const caption = h(
    "span",
    { class: "caption" },
    named(name ?? `image ${row.image}`),
    h("span", { class: "hint" }, `score ${row.score.toFixed(3)}`),
  );
  const element = h("a", { href: address, class: "thumbnail-link" }, canvas, caption);
  const watch = new IntersectionObserver(async (entries) => {
    if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
    watch.disconnect();
    await mayLoad;
    draw(canvas, { image: row.image, slice: row.slice }, arrays).catch(() => element.classList.add("failed"));
  });
  watch.observe(element);
  return element;
}

async function draw(canvas, region, arrays) {
  const given = await arrays.given(region);
  if (!given.width) return;
  const picture = await arrays.picture(region, given).catch(() => null);
  const scale = size / Math.max(given.width, given.height);
  // A sequence is one row, which would be a hair's breadth.
  const [width, height] = [given.width, given.height].map((extent) => Math.max(leastSide, Math.round(extent * scale)));
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  context.fillStyle = "#5c5c5c";
  context.fillRect(0, 0, width, height);
  if (picture) context.drawImage(picture, 0, 0, width, height);
  const mask = context.getImageData(0, 0, width, height);
  const share = picture ? 0.5 : 0.9;
  for (let y = 0; y < height; y++) {
    const row = Math.floor(((y + 0.5) / height) * given.height) * given.width;
    for (let x = 0; x < width; x++) {
      const value = given.values[row + Math.floor(((x + 0.5) / width) * given.width)];
      if (!arrays.takesPart(value)) continue;
      const at = (y * width + x) * 4;
      colourOf(value).forEach((channel, i) => (mask.data[at + i] += share * (channel - mask.data[at + i])));
    }
  }
  context.putImageData(mask, 0, 0);
}
