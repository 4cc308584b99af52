/** The matrix of regions: which class is taken for which. */

import { count, h, measure } from "./elements.js";

/** With more classes than this the matrix shows those that have regions. */
const mostRows = 60;

/**
 * Draws the matrix as a table; shade is the root of the mass, since a few pairs have most of it.
 * @param {import("./statistics.js").PairEstimate[]} pairs
 * @param {import("./classes.js").ClassNames} classes
 * @param {(given: number, suggested: number) => string} addressOfPair
 * @returns {HTMLElement}
 */
export function matrixTable(pairs, classes, addressOfPair) {
  const byPair = new Map(pairs.map((pair) => [`${pair.given}/${pair.suggested}`, pair]));
  const inOrder = (name) => [...new Set(pairs.map((pair) => pair[name]))].sort((a, b) => a - b).slice(0, mostRows);
  const [givens, suggesteds] = [inOrder("given"), inOrder("suggested")];
  const most = Math.max(...pairs.map(({ mass }) => mass), 1);
  const head = h(
    "tr",
    {},
    h("th", { scope: "col", class: "corner" }, "given ↓ suggested →"),
    suggesteds.map((k) => h("th", { scope: "col" }, classes.chip(k))),
  );
  const rows = givens.map((given) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, classes.chip(given)),
      suggesteds.map((suggested) => {
        const pair = byPair.get(`${given}/${suggested}`);
        if (!pair) return h("td", { class: given === suggested ? "same" : "none" });
        const shade = Math.sqrt(pair.mass / most);
        const label =
          `given ${classes.labelOf(given)}, suggested ${classes.labelOf(suggested)}: ${count(pair.regions)} regions, ` +
          `mass ${measure(pair.mass)}, ${count(pair.undecided)} undecided`;
        const link = h(
          "a",
          { href: addressOfPair(given, suggested), "aria-label": label, title: label },
          h("span", { class: "cell-count" }, count(pair.regions)),
          h("span", { class: "cell-mass" }, measure(pair.mass)),
        );
        const cell = h("td", { class: "cell" }, link);
        cell.style.setProperty("--shade", `${Math.round(8 + 92 * shade)}%`);
        if (pair.undecided === 0) cell.classList.add("done");
        return cell;
      }),
    )
  );
  return h(
    "div",
    { class: "matrix-scroll", tabindex: "0", role: "region", "aria-label": "Matrix of regions" },
    h("table", { class: "matrix" }, h("thead", {}, head), h("tbody", {}, rows)),
  );
}
