/** The contact sheet: many regions at once; all get one verdict but those that are marked. */

import { setBar } from "./bar.js";
import { drawCrop } from "./crop.js";
import { isPlanar } from "./dimensions.js";
import { showHelp } from "./dialogs.js";
import { count, fill, h, measure, named, plain } from "./elements.js";
import { folderButton } from "./folder-button.js";
import { bindKeys } from "./keys.js";
import { say } from "./notices.js";
import { RegionPage } from "./region-page.js";
import { addressOf, go } from "./router.js";

const sizes = [24, 36, 60];

export class SheetPage extends RegionPage {
  /**
   * @param {object} job its document
   * @param {string[] | null} names of the images
   * @param {Record<string, string>} parameters of the address
   */
  constructor(job, names, parameters) {
    super(job, names, parameters);
    this.marked = new Set();
    this.first = 0;
    this.shown = [];
    this.isMaskHidden = false;
    this.size = sizes[0];
    this.list = this.newList();
    this.build();
    this.open();
  }

  decided() {
    this.list.noteDecision();
    this.showStates();
  }

  build() {
    const { given, suggested } = this.parameters;
    const address = addressOf(["jobs", this.job.id]);
    setBar([{ text: `Job ${this.job.id.slice(0, 8)}`, address }, { text: "Contact sheet" }]);
    this.grid = h("ul", { class: "sheet", "aria-label": "Regions" });
    this.place = h("span", { class: "hint", role: "status" });
    this.buttons = {
      wrong: this.button("wrong", "Wrong", "W"),
      fine: this.button("fine", "Fine", "A"),
      unsure: this.button("unsure", "Unsure", "U"),
    };
    const size = h(
      "select",
      { "aria-label": "Regions a page" },
      sizes.map((number) => h("option", { value: number }, number)),
    );
    size.addEventListener("change", () => {
      this.size = Number(size.value);
      this.goTo(this.first);
    });
    this.undoButton = h(
      "button",
      { type: "button", onclick: () => this.undo() },
      "Undo ",
      h("kbd", { "aria-hidden": "true" }, "Z"),
    );
    const hasPair = given !== undefined && suggested !== undefined;
    const queue = addressOf(["jobs", this.job.id, "queue"], this.parameters);
    this.element = h(
      "div",
      { class: "page sheet-page" },
      h(
        "div",
        { class: "sheet-head" },
        h("h1", {}, hasPair ? this.classes.pair(Number(given), Number(suggested)) : "All regions"),
        h(
          "p",
          { class: "hint" },
          "Mark the exceptions with a click or the space bar, then give all others one verdict. Marked ones stay open.",
        ),
        h(
          "div",
          { class: "actions sheet-actions" },
          Object.values(this.buttons),
          this.undoButton,
          h(
            "div",
            { class: "paging" },
            h(
              "button",
              { type: "button", onclick: () => this.goTo(this.first - this.size) },
              "Back ",
              h("kbd", { "aria-hidden": "true" }, "K"),
            ),
            h(
              "button",
              { type: "button", onclick: () => this.goTo(this.first + this.size) },
              "Next ",
              h("kbd", { "aria-hidden": "true" }, "J"),
            ),
            h("label", { class: "inline" }, size, " a page"),
            h("a", { href: queue }, "Queue"),
            this.place,
          ),
        ),
        isPlanar(this.job) && folderButton(this.pictures, this.job, () => {
          this.arrays.forgetPictures();
          this.drawAll();
        }),
      ),
      this.grid,
    );
    const group = "Contact sheet";
    bindKeys([
      {
        keys: ["w"],
        show: "W",
        does: "all but the marked ones are wrong: the suggestion is right",
        group,
        act: () => this.decide("wrong"),
      },
      { keys: ["a"], show: "A", does: "all but the marked ones are fine", group, act: () => this.decide("fine") },
      { keys: ["u"], show: "U", does: "all but the marked ones are unsure", group, act: () => this.decide("unsure") },
      { keys: ["z"], show: "Z", does: "undo, as often as you like", group, act: () => this.undo() },
      { keys: ["j"], show: "J", does: "next page", group, act: () => this.goTo(this.first + this.size) },
      { keys: ["k"], show: "K", does: "page before", group, act: () => this.goTo(this.first - this.size) },
      { keys: ["f"], show: "F", does: "fill with the given or the suggested colour", group, act: () => this.flip() },
      { keys: ["h"], show: "H", does: "hide and show the outlines", group, act: () => this.hide() },
      ...[["ArrowLeft", "←", -1], ["ArrowRight", "→", 1]].map(([key, show, step]) => (
        {
          keys: [key],
          show,
          does: step < 0 ? "the region before" : "the next region",
          group,
          act: () => this.move(step),
        }
      )),
      ...[["ArrowUp", "↑", -1], ["ArrowDown", "↓", 1]].map(([key, show, step]) => (
        {
          keys: [key],
          show,
          does: step < 0 ? "the row above" : "the row below",
          group,
          act: () => this.move(step * this.across),
        }
      )),
      { keys: ["q"], show: "Q", does: "open the region in the queue", group, act: () => this.openInQueue() },
      { keys: ["?"], show: "?", does: "this list", group, act: showHelp },
    ]);
  }

  button(verdict, label, key) {
    const text = h("span", {}, label);
    return h(
      "button",
      { type: "button", class: `verdict verdict-${verdict}`, onclick: () => this.decide(verdict) },
      text,
      h("kbd", { "aria-hidden": "true" }, key),
    );
  }

  /** Begins with the first page that has an undecided region. */
  async open() {
    try {
      await Promise.all([this.list.at(0), this.list.countDecided()]);
      await this.goTo(0);
    } catch (error) {
      fill(this.grid, h("li", { class: "message" }, error.message));
    }
  }

  async goTo(first) {
    const place = Math.max(0, first);
    let last;
    try {
      await this.list.at(place + this.size - 1);
      last = Math.min(this.list.items.length, place + this.size);
    } catch (error) {
      say(error.message);
      return;
    }
    if (place > 0 && place >= last) {
      say("There are no more regions.");
      return;
    }
    this.first = place;
    this.shown = this.list.items.slice(place, last);
    const total = (this.list.undecidedTotal ?? 0) + (this.list.decidedTotal ?? 0);
    this.place.textContent = this.shown.length === 0 ? "" : `${count(place + 1)} to ${count(last)} of ${count(total)}`;
    if (this.shown.length === 0) {
      fill(this.grid, h("li", { class: "message" }, "There are no such regions."));
      return;
    }
    this.cells = this.shown.map((region) => this.cell(region));
    fill(this.grid, this.cells.map(({ item }) => item));
    this.showStates();
    this.drawAll();
    this.cells[0].button.focus({ preventScroll: true });
    scrollTo(0, 0);
  }

  cell(region) {
    const canvas = h("canvas", { class: "crop", width: 200, height: 200, "aria-hidden": "true" });
    const state = h("span", { class: "cell-state" });
    const hasPair = this.parameters.given !== undefined && this.parameters.suggested !== undefined;
    const caption = h(
      "span",
      { class: "caption" },
      named(region.name ?? region.image),
      h("span", { class: "hint" }, measure(region.mass)),
    );
    const button = h(
      "button",
      { type: "button", class: "cell-button", "data-region": region.id, onclick: () => this.mark(region) },
      canvas,
      state,
      !hasPair && h("span", { class: "caption" }, this.classes.pair(region.given, region.suggested)),
      caption,
    );
    button.addEventListener("dblclick", () => this.openInQueue(region));
    return { region, canvas, state, button, item: h("li", {}, button) };
  }

  /** Draws the crops a few at a time, so that those at the top are there first. */
  async drawAll() {
    const cells = this.cells ?? [];
    const waiting = [...cells];
    const work = async () => {
      for (let cell = waiting.shift(); cell && cells === this.cells; cell = waiting.shift()) {
        const { canvas, region, button } = cell;
        const options = { fill: this.fill ?? null, outline: !this.isMaskHidden };
        await drawCrop(canvas, region, this.arrays, options).catch((error) => {
          button.title = error.message;
          button.classList.add("failed");
        });
      }
    };
    await Promise.all([work(), work(), work(), work()]);
  }

  showStates() {
    this.undoButton.disabled = !this.decisions.canUndo;
    for (const { region, state, button } of this.cells ?? []) {
      const decision = this.decisions.of(region);
      const isMarked = this.marked.has(region.id);
      button.setAttribute("aria-pressed", String(isMarked));
      const words = isMarked ? "marked" : decision ? decision.verdict : "undecided";
      state.dataset.verdict = isMarked ? "marked" : decision?.verdict ?? "none";
      fill(state, isMarked ? "✕ marked" : decision ? decision.verdict : "");
      const pair = `${this.classes.labelOf(region.given)}, rather ${this.classes.labelOf(region.suggested)}`;
      button.setAttribute("aria-label", `Image ${plain(region.name ?? region.image)}, ${pair}, ${words}`);
    }
    const left = this.unmarked.length;
    for (const button of Object.values(this.buttons)) button.disabled = left === 0;
    const words = { wrong: "Wrong", fine: "Fine", unsure: "Unsure" };
    for (const [verdict, button] of Object.entries(this.buttons)) {
      button.firstChild.textContent = this.marked.size > 0
        ? `${words[verdict]}: the other ${left}`
        : `${words[verdict]}: all ${left}`;
    }
  }

  /** What a verdict is for: neither marked nor decided already. */
  get unmarked() {
    return this.shown.filter((region) => !this.marked.has(region.id) && this.decisions.of(region) === null);
  }

  mark(region) {
    if (!this.marked.delete(region.id)) this.marked.add(region.id);
    this.showStates();
  }

  decide(verdict) {
    const regions = this.unmarked;
    if (regions.length === 0) return;
    // All have the verdict, each with its own suggestion, which is the server's default for a wrong one.
    this.decisions.decide(regions, { verdict });
    say(`${regions.length} regions: ${verdict}.`);
  }

  undo() {
    const steps = this.decisions.undo();
    say(steps ? `Undone, for ${steps.length} regions.` : "Nothing is left to undo.");
  }

  flip() {
    this.fill = this.fill === "given" ? "suggested" : this.fill === "suggested" ? null : "given";
    say(this.fill ? `Filled with the ${this.fill} colour.` : "Outlines alone.");
    this.drawAll();
  }

  hide() {
    this.isMaskHidden = !this.isMaskHidden;
    this.drawAll();
  }

  get focused() {
    return (this.cells ?? []).findIndex(({ button }) => button === document.activeElement);
  }

  get across() {
    const top = this.cells?.[0]?.item.offsetTop;
    return Math.max(1, (this.cells ?? []).filter(({ item }) => item.offsetTop === top).length);
  }

  move(step) {
    const next = Math.min(this.cells.length - 1, Math.max(0, this.focused + step));
    this.cells[next].button.focus();
  }

  openInQueue(region = this.shown[this.focused]) {
    if (region) go(["jobs", this.job.id, "queue"], { ...this.parameters, region: region.id });
  }

  dispose() {
    super.dispose();
    this.cells = null;
  }
}
