/** Colours that people with a colour vision deficiency can tell apart, the same for a class everywhere. */

// The seven of Okabe and Ito without black, then of Tol's muted, bright and light schemes those that are far from them.
const chosen = [
  "#0072b2",
  "#e69f00",
  "#009e73",
  "#cc79a7",
  "#56b4e9",
  "#d55e00",
  "#f0e442",
  "#332288",
  "#999933",
  "#882255",
  "#44aa99",
  "#ddcc77",
  "#cc6677",
  "#117733",
  "#aa4499",
  "#dddddd",
  "#994f00",
  "#99ddff",
  "#bbcc33",
  "#777777",
];

/**
 * The colour of a class.
 * @param {number} index of the class
 * @returns {[number, number, number]} red, green and blue, 0 to 255
 */
export function colourOf(index) {
  if (index < chosen.length) {
    const number = parseInt(chosen[index].slice(1), 16);
    return [number >> 16, (number >> 8) & 255, number & 255];
  }
  // Golden-angle hues at four lightnesses: neighbours among the classes are far apart in one of the two.
  const hue = (index * 137.50776) % 360;
  const lightness = [0.42, 0.72, 0.55, 0.84][index % 4];
  const amplitude = 0.65 * Math.min(lightness, 1 - lightness);
  const channel = (n) => {
    const k = (n + hue / 30) % 12;
    return Math.round(255 * (lightness - amplitude * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}

/** The same as CSS. */
export const cssColourOf = (index) => `rgb(${colourOf(index).join(", ")})`;

/**
 * A row of texels for the shader: colour and 255 for a class that is shown, 0 for one that is switched off.
 * @param {number} classes K
 * @param {Set<number>} hidden classes that are switched off
 * @returns {Uint8Array} `(K, 4)`
 */
export function paletteTexels(classes, hidden) {
  const texels = new Uint8Array(classes * 4);
  for (let k = 0; k < classes; k++) texels.set([...colourOf(k), hidden.has(k) ? 0 : 255], k * 4);
  return texels;
}
