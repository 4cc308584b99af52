/** What there is to know of the region, and the buttons of the verdicts. */

import { count, fill, h, measure, named } from "./elements.js";

const buttons = [
  { name: "wrong", key: "W", label: "Wrong", hint: "the suggestion is right" },
  { name: "other", key: "E", label: "Other…", hint: "wrong, and another class is right" },
  { name: "fine", key: "A", label: "Fine", hint: "the label is right" },
  { name: "unsure", key: "U", label: "Unsure", hint: "cannot be told" },
];

export class VerdictPanel {
  /**
   * @param {import("./classes.js").ClassNames} classes
   * @param {Record<string, () => void>} acts `wrong`, `other`, `fine`, `unsure`, `note`, `undo`, `previous`, `next`
   */
  constructor(classes, acts) {
    this.classes = classes;
    this.pair = h("div", { class: "region-pair" });
    this.facts = h("dl", { class: "facts" });
    this.state = h("p", { class: "state" });
    this.statements = h("ul", { class: "statements", "aria-label": "Who said what" });
    this.buttons = Object.fromEntries(
      buttons.map(({ name, key, label, hint }) => [
        name,
        h(
          "button",
          {
            type: "button",
            class: `verdict verdict-${name}`,
            title: hint,
            "aria-pressed": "false",
            onclick: acts[name],
          },
          h("span", {}, label),
          h("kbd", { "aria-hidden": "true" }, key),
        ),
      ]),
    );
    const small = (name, label, key) =>
      h("button", { type: "button", onclick: acts[name] }, label, " ", h("kbd", { "aria-hidden": "true" }, key));
    this.undoButton = small("undo", "Undo", "Z");
    this.element = h(
      "section",
      { class: "region", "aria-label": "The region and your verdict" },
      this.pair,
      this.facts,
      this.state,
      this.statements,
      h("div", { class: "verdicts", role: "group", "aria-label": "Verdict" }, Object.values(this.buttons)),
      h(
        "div",
        { class: "steps", role: "group", "aria-label": "Steps" },
        small("previous", "Back", "K"),
        small("next", "Skip", "J"),
        small("note", "Note", "N"),
        this.undoButton,
      ),
    );
  }

  /**
   * @param {import("./regions.js").Region | null} region
   * @param {import("./decisions.js").Decision | null} decision
   * @param {{note: string | null, canUndo: boolean, place: string, own?: import("./decisions.js").Decision | null,
   *   by?: string | null, statements?: import("./disputes.js").Statement[], isDisputed?: boolean}} more with this
   *   reviewer's own word, who else has the last one, and what all said of a region that was in dispute
   */
  show(region, decision, { note, canUndo, place, own, by, statements, isDisputed }) {
    this.undoButton.disabled = !canUndo;
    for (const button of Object.values(this.buttons)) button.disabled = !region;
    if (!region) {
      fill(this.pair);
      fill(this.facts);
      fill(this.state);
      fill(this.statements);
      return;
    }
    fill(this.pair, this.classes.pair(region.given, region.suggested));
    const rows = [
      ["Image", [named(region.name ?? region.image), region.slice && ` slice ${region.slice.join(", ")}`]],
      ["Place", place],
      ["Area", `${count(region.area)} px, ${region.thickness} deep`],
      ["Mean score", measure(region.mean_own)],
      ["Mass", measure(region.mass)],
    ];
    fill(this.facts, rows.map(([term, text]) => [h("dt", {}, term), h("dd", {}, text)]));
    const pressed = !own
      ? null
      : own.verdict !== "wrong"
      ? own.verdict
      : (own.label ?? region.suggested) === region.suggested
      ? "wrong"
      : "other";
    for (const [name, button] of Object.entries(this.buttons)) {
      button.setAttribute("aria-pressed", String(name === pressed));
    }
    const remark = note ?? decision?.note;
    this.state.dataset.verdict = decision?.verdict ?? "none";
    fill(
      this.state,
      decision
        ? [
          h("strong", {}, `${isDisputed ? "In dispute, last" : "Decided"}: ${decision.verdict}`),
          decision.verdict === "wrong" && [" rather ", this.classes.chip(decision.label ?? region.suggested)],
          by && [" by ", named(by)],
        ]
        : "Not decided yet",
      remark && h("q", { class: "note" }, named(remark)),
    );
    fill(this.statements, statements.map((statement) => this.statement(statement, region)));
  }
  /** One reviewer's word, with the note if there is one. */
  statement({ reviewer, verdict, label, note }, region) {
    return h(
      "li",
      { "data-verdict": verdict },
      named(reviewer ?? "anonymous"),
      h("strong", {}, verdict),
      verdict === "wrong" && this.classes.chip(label ?? region.suggested),
      note && h("q", { class: "note" }, named(note)),
    );
  }
}
