/** A small picture of a region with what lies around it. */

import { colourOf, cssColourOf } from "./palette.js";

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
  const [left, top] = [x + width / 2 - extent / 2, y + height / 2 - extent / 2];
  const scale = canvas.width / extent;
  const context = canvas.getContext("2d");
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.setTransform(scale, 0, 0, scale, -left * scale, -top * scale);
  context.imageSmoothingEnabled = scale < 4;
  if (picture) await drawPicture(context, picture, region, arrays);
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

/** A picture may be finer or coarser than its mask, over which it is stretched. */
async function drawPicture(context, picture, region, arrays) {
  const { height, width } = arrays.job.shape;
  const size = height && width ? { height, width } : await arrays.given(region);
  context.drawImage(picture, 0, 0, size.width, size.height);
}

function drawClasses(context, given, arrays, [left, top, extent]) {
  const [right, bottom] = [Math.min(given.width, left + extent), Math.min(given.height, top + extent)];
  for (let row = Math.max(0, Math.floor(top)); row < bottom; row++) {
    let start = Math.max(0, Math.floor(left));
    for (let column = start + 1; column <= right; column++) {
      const at = row * given.width;
      if (column < right && given.values[at + column] === given.values[at + start]) continue;
      const value = given.values[at + start];
      context.fillStyle = arrays.takesPart(value) ? cssColourOf(value) : "#5c5c5c";
      // A hair wider than the pixels, so that no seams show between rows.
      context.fillRect(start, row, column - start + 0.02, 1.02);
      start = column;
    }
  }
}

function stencil(mask, width, height, colour) {
  const canvas = new OffscreenCanvas(width, height);
  const pixels = new ImageData(width, height);
  mask.forEach((isSet, i) => isSet && pixels.data.set([...colour, 255], i * 4));
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
