/** Reads NumPy's files: little-endian arrays in C order, as the server writes them. */

const readers = {
  "|b1": [Uint8Array, 1],
  "|u1": [Uint8Array, 1],
  "|i1": [Int8Array, 1],
  "<u2": [Uint16Array, 2],
  "<i2": [Int16Array, 2],
  "<u4": [Uint32Array, 4],
  "<i4": [Int32Array, 4],
  "<u8": [BigUint64Array, 8],
  "<i8": [BigInt64Array, 8],
  "<f4": [Float32Array, 4],
  "<f8": [Float64Array, 8],
};

/**
 * @typedef {object} NumberArray
 * @property {ArrayLike<number>} values all elements in C order; bool is 0 and 1
 * @property {number[]} shape the extents, the slowest axis first
 */

/**
 * Parses one `.npy` file.
 * @param {ArrayBuffer} buffer the whole file
 * @returns {NumberArray}
 */
export function parseNpy(buffer) {
  const bytes = new Uint8Array(buffer);
  const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
  if (bytes.length < 12 || magic.some((byte, i) => bytes[i] !== byte)) {
    throw new Error("The array that came is no npy file.");
  }
  const view = new DataView(buffer);
  // Version 1 has a header length of two bytes, those after it of four.
  const start = bytes[6] === 1 ? 10 : 12;
  const length = bytes[6] === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  const header = new TextDecoder("latin1").decode(bytes.subarray(start, start + length));
  const descr = /'descr':\s*'([^']+)'/.exec(header)?.[1];
  const shapeText = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1];
  const reader = readers[descr];
  if (!reader || shapeText === undefined || /'fortran_order':\s*True/.test(header)) {
    throw new Error(`The array that came is of a form that the page does not read: ${header.trim()}`);
  }
  const shape = shapeText.split(",").map((part) => part.trim()).filter(Boolean).map(Number);
  const count = shape.reduce((product, extent) => product * extent, 1);
  const [ArrayType, size] = reader;
  const offset = start + length;
  if (bytes.length < offset + count * size) {
    throw new Error("The array that came is cut off.");
  }
  // A typed array must begin at a multiple of its elements' size; npy pads for that, and if a writer did not, we copy.
  const raw = offset % size === 0
    ? new ArrayType(buffer, offset, count)
    : new ArrayType(buffer.slice(offset, offset + count * size));
  return { values: size === 8 && descr !== "<f8" ? Float64Array.from(raw, Number) : raw, shape };
}

/**
 * One picture of an array: the array itself if it is `(H, W)`, else the slice of a volume.
 * @param {NumberArray} array `(H, W)`, `(…, H, W)` of a volume, or `(W,)` of a sequence, which is one row
 * @param {number[] | undefined} slice the index along each axis ahead of the last two
 * @returns {{values: ArrayLike<number>, width: number, height: number}}
 */
export function pictureOf(array, slice) {
  const [height, width] = [1, ...array.shape].slice(-2);
  let index = 0;
  array.shape.slice(0, -2).forEach((extent, axis) => {
    index = index * extent + (slice?.[axis] ?? 0);
  });
  const size = height * width;
  return { values: array.values.subarray(index * size, (index + 1) * size), width, height };
}
