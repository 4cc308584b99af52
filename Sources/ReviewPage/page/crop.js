/** A small picture of a region with what lies around it. */

import { colourOf } from "./palette.js";

/** The grey of pixels that take no part. */
const noClass = [92, 92, 92];

/**
 * Draws a region into a square canvas: its picture, or without one the given classes, and the outline.
 * @param {HTMLCanvasElement} canvas
 * @param {import("./regions.js").Region} region
 * @param {import("./arrays.js").ImageArrays} arrays
 * @param {{fill: "given" | "suggested" | null, outline: boolean}} options
 */
export async function drawCrop(canvas, region, arrays, { fill, outline }) {
  const [mask, picture] = await Promise.all([arrays.mask(region), arrays.picture(region).catch(() => null)]);
  const given = picture ? null : await arrays.given(region);
  const [x, y, width, height] = region.bbox;
  const extent = Math.max(width, height) * 1.5 + 24;
  const size = await sizeOf(region, arrays);
  // The crop stays within the image where it can: beyond it there is nothing to see.
  const within = (
    start,
    whole,
  ) => (extent > whole ? (whole - extent) / 2 : Math.min(whole - extent, Math.max(0, start)));
  const left = within(x + width / 2 - extent / 2, size.width);
  const top = within(y + height / 2 - extent / 2, size.height);
  const scale = canvas.width / extent;
  const context = canvas.getContext("2d");
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.setTransform(scale, 0, 0, scale, -left * scale, -top * scale);
  context.imageSmoothingEnabled = scale < 4;
  // A picture may be finer or coarser than its mask, over which it is stretched.
  if (picture) context.drawImage(picture, 0, 0, size.width, size.height);
  else drawClasses(context, given, arrays, [left, top, extent]);
  if (fill) {
    context.globalAlpha = 0.55;
    context.imageSmoothingEnabled = false;
    context.drawImage(stencil(mask, width, height, colourOf(region[fill])), x, y);
    context.globalAlpha = 1;
  }
  if (!outline) return;
  for (const [style, pixels] of [["#000", 4.5], ["#fff", 2]]) {
    context.strokeStyle = style;
    context.lineWidth = pixels / scale;
    context.stroke(edges(mask, width, height, x, y));
  }
}

/** The extents of a region's image; where images are of several sizes its mask has to tell. */
async function sizeOf(region, arrays) {
  const { height, width } = arrays.job.shape;
  return height && width ? { height, width } : arrays.given(region);
}

/** The given classes of the part that is seen. */
function drawClasses(context, given, arrays, [left, top, extent]) {
  const [x, y] = [Math.max(0, Math.floor(left)), Math.max(0, Math.floor(top))];
  const width = Math.min(given.width, Math.ceil(left + extent)) - x;
  const height = Math.min(given.height, Math.ceil(top + extent)) - y;
  const pixels = new ImageData(width, height);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const value = given.values[(y + row) * given.width + x + column];
      const colour = arrays.takesPart(value) ? colourOf(value) : noClass;
      pixels.data.set([...colour, 255], (row * width + column) * 4);
    }
  }
  context.imageSmoothingEnabled = false;
  context.drawImage(canvasOf(pixels), x, y);
}

function stencil(mask, width, height, colour) {
  const pixels = new ImageData(width, height);
  mask.forEach((isSet, i) => isSet && pixels.data.set([...colour, 255], i * 4));
  return canvasOf(pixels);
}

function canvasOf(pixels) {
  const canvas = new OffscreenCanvas(pixels.width, pixels.height);
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return canvas;
}

/** The edges between pixels of a mask and others, in pixels of the image. */
function edges(mask, width, height, left, top) {
  const path = new Path2D();
  const at = (x, y) => x >= 0 && y >= 0 && x < width && y < height && mask[y * width + x] !== 0;
  for (let y = 0; y <= height; y++) {
    for (let x = 0; x <= width; x++) {
      if (at(x, y) !== at(x, y - 1)) {
        path.moveTo(left + x, top + y);
        path.lineTo(left + x + 1, top + y);
      }
      if (at(x, y) !== at(x - 1, y)) {
        path.moveTo(left + x, top + y);
        path.lineTo(left + x, top + y + 1);
      }
    }
  }
  return path;
}
