/** One job: where its regions are, how far the review is, when to stop, and what to take away. */

import { ask, askJSON, jobPath } from "./api.js";
import { ImageArrays } from "./arrays.js";
import { setBar } from "./bar.js";
import { ClassNames } from "./classes.js";
import { drawsOf } from "./controls.js";
import { nameClasses } from "./dialogs.js";
import { extentsOf, isPlanar, isSequence, isVolume, limitsOf } from "./dimensions.js";
import { count, fill, fromNow, h, measure } from "./elements.js";
import { exportCard } from "./exports.js";
import { folderButton } from "./folder-button.js";
import { matrixTable } from "./matrix.js";
import { notice } from "./notices.js";
import { Pictures } from "./pictures.js";
import { everything, scopeOf } from "./regions.js";
import { addressOf, go } from "./router.js";
import { look, setLook } from "./settings.js";
import { estimates, missedMistakes } from "./statistics.js";
import { politeBytes, thumbnail } from "./thumbnails.js";

/** So many of the worst images are shown. */
const thumbnails = 6;

/** Mistakes to expect: fewer than ten have a decimal place, since half a mistake is not none. */
const expectation = (number) => (number < 10 ? number.toFixed(1) : count(number));

export class JobPage {
  /**
   * @param {object} job its document
   * @param {string[] | null} names of the images
   * @param {Record<string, string>} parameters of the address
   */
  constructor(job, names, parameters) {
    this.job = job;
    this.names = names;
    this.parameters = parameters;
    this.scope = scopeOf(job, parameters);
    this.classes = new ClassNames(job);
    this.pictures = new Pictures(job, names);
    setBar([{ text: `Job ${job.id.slice(0, 8)}` }]);
    this.progress = h("section", { class: "card progress-card", "aria-label": "Progress" });
    this.matrix = h("section", { class: job.shape?.classes > 8 ? "card wide" : "card", "aria-label": "Regions" });
    this.worst = h("section", { class: "card", "aria-label": "Worst images" });
    this.stop = h("section", { class: "card", "aria-label": "When to stop" });
    this.export = h("section", { class: "card exports", "aria-label": "Export" });
    this.element = h(
      "div",
      { class: "page job" },
      this.head(),
      job.links.regions
        ? [this.progress, h("div", { class: "columns" }, this.matrix, this.worst), this.stop, this.export]
        : this.noRegions(),
    );
    if (job.links.regions) {
      this.showExport();
      this.load();
    }
    if (job.links.ranking) this.loadWorst();
  }

  head() {
    const { job } = this;
    const { shape } = job;
    const limits = limitsOf(job);
    const facts = [
      job.method,
      shape && `${count(shape.images)} images`,
      shape && `${count(shape.classes)} classes`,
      shape?.height ? `${shape.width} × ${shape.height} px` : extentsOf(job)?.join(" × "),
      `scored ${fromNow(job.created_at)}`,
    ];
    return h(
      "div",
      { class: "job-head" },
      h("h1", {}, `Job ${job.id.slice(0, 8)}`),
      h("p", { class: "hint" }, facts.filter(Boolean).join(" · ")),
      this.keeping(),
      limits && h("p", { class: "limits" }, limits),
    );
  }

  /** When the job is forgotten, and a way to keep it. */
  keeping() {
    const box = h("p", { class: "keeping" });
    const show = () => {
      const { expires_at: expires } = this.job;
      const change = async () => {
        try {
          const response = await ask(jobPath(this.job.id, "keep"), { method: expires ? "POST" : "DELETE" });
          this.job.expires_at = (await response.json()).expires_at;
          show();
        } catch (error) {
          notice("keep", error.message);
        }
      };
      fill(
        box,
        h(
          "span",
          { class: "hint" },
          expires ? `The server forgets the job ${fromNow(expires)}. ` : "The job is kept. ",
        ),
        h("button", { type: "button", onclick: change }, expires ? "Keep it" : "Let it expire"),
      );
    };
    show();
    return box;
  }

  noRegions() {
    const { status, error } = this.job;
    if (status !== "succeeded") {
      return h(
        "section",
        { class: "card" },
        h("h2", {}, `This job has the status “${status}”`),
        error && h("p", {}, error.detail),
        h("p", {}, "There are regions to review once it has succeeded."),
      );
    }
    return [
      h(
        "section",
        { class: "card" },
        h("h2", {}, "This job has no suggestions, and so no regions to review"),
        h(
          "p",
          {},
          "A region is where the model suggests another class than the label. Of this job the server read the " +
            "probabilities of the labelled classes alone, so it does not know what the model suggests. It does know " +
            "which images are the most suspect.",
        ),
        h(
          "p",
          {},
          "To review regions, score the data once more and ask for all classes: ",
          h("code", {}, "POST /score?read=all"),
          ", or ",
          h("code", {}, "method=margin"),
          ", which reads them all and lists label issues too.",
        ),
      ),
      this.worst,
    ];
  }

  /** The address of the queue or sheet of some regions of this scope. */
  address(view, filters = {}) {
    return addressOf(["jobs", this.job.id, view], {
      of: this.parameters.of,
      threshold: this.parameters.threshold,
      ...filters,
    });
  }

  async load() {
    const { job, scope } = this;
    const path = jobPath(job.id, "regions", "matrix");
    try {
      const [wide, all, summary] = await Promise.all([
        askJSON(path, { ...scope, min_thickness: isSequence(job) ? null : 2 }),
        askJSON(path, scope),
        askJSON(jobPath(job.id, "decisions", "summary"), scope),
      ]);
      const regionsOf = ({ cells }) => cells.reduce((sum, { regions }) => sum + regions, 0);
      this.noise = regionsOf(all) - regionsOf(wide);
      this.estimate = estimates((look.noise ? all : wide).cells, summary.cells);
      this.summary = summary;
      this.showProgress();
      this.showMatrix();
      this.showStop();
    } catch (error) {
      fill(
        this.matrix,
        h("p", {}, error.message),
        h("button", { type: "button", onclick: () => this.load() }, "Try again"),
      );
    }
  }

  showProgress() {
    const { all } = this.estimate;
    const { scope } = this;
    const { disputed } = this.summary;
    const decided = all.regions - all.undecided;
    const share = all.regions === 0 ? 0 : Math.round((100 * decided) / all.regions);
    fill(
      this.progress,
      h(
        "div",
        { class: "progress-head" },
        h(
          "p",
          { class: "big" },
          count(decided),
          h("span", { class: "hint" }, ` of ${count(all.regions)} regions decided, ${share} %`),
        ),
        h("progress", { max: Math.max(1, all.regions), value: decided, "aria-label": "Decided regions" }),
        h(
          "p",
          { class: "hint" },
          `${count(all.wrong)} wrong, ${count(all.fine)} fine, ${count(all.unsure)} unsure`,
          disputed > 0 && `, ${count(disputed)} in dispute, which come first`,
        ),
      ),
      h(
        "div",
        { class: "actions" },
        h(
          "a",
          { class: "button primary", href: this.address("queue") },
          decided === 0 ? "Begin the review" : "Go on with the review",
        ),
        all.undecided === 0 && scope.of !== "disagreements" &&
          h("a", { class: "button", href: this.address("queue", everything) }, "All disagreements"),
        h("a", { class: "button", href: this.address("sheet") }, "Contact sheet"),
      ),
    );
  }

  showExport() {
    fill(this.export, exportCard(this.job, this.classes, this.scope));
  }

  showMatrix() {
    const { pairs } = this.estimate;
    const noise = h("input", { type: "checkbox" });
    noise.checked = look.noise;
    noise.addEventListener("change", () => {
      setLook({ noise: noise.checked });
      this.load();
    });
    const rename = async () => {
      const names = await nameClasses(this.classes);
      if (!names) return;
      this.classes.keep(names);
      this.showMatrix();
      this.showStop();
      this.showExport();
    };
    fill(
      this.matrix,
      h(
        "div",
        { class: "section-head" },
        h("h2", {}, "Regions by class"),
        this.scopeChoice(),
        !this.classes.areOfJob && h("button", { type: "button", class: "plain", onclick: rename }, "Name classes…"),
      ),
      pairs.length === 0
        ? h("p", {}, "There are none.")
        : matrixTable(pairs, this.classes, (given, suggested) => this.address("queue", { given, suggested })),
      h(
        "p",
        { class: "hint" },
        "Each cell has the number of regions and below it their mass, which is the shade too. A cell opens the queue.",
      ),
      !isSequence(this.job) && h(
        "label",
        { class: "check" },
        noise,
        h("span", {}, `Border noise too: ${count(this.noise)} regions that are nowhere wider than two pixels`),
      ),
    );
  }

  /** A choice of which pixels regions are made of. */
  scopeChoice() {
    const choices = [
      this.job.links.label_issues && ["label_issues", "label issues"],
      ["issues", `scores below ${this.scope.threshold ?? this.job.parameters.threshold ?? 0.1}`],
      ["disagreements", "all disagreements"],
    ].filter(Boolean);
    const select = h(
      "select",
      { "aria-label": "Regions of" },
      choices.map(([value, label]) => h("option", { value }, label)),
    );
    select.value = this.scope.of;
    select.addEventListener("change", () => {
      const threshold = select.value === "issues" ? (this.job.parameters.threshold ?? 0.1) : "";
      go(["jobs", this.job.id], { of: select.value, threshold });
    });
    return h("label", { class: "inline" }, "of ", select);
  }

  async loadWorst() {
    const { job, names } = this;
    const arrays = new ImageArrays(job, this.pictures);
    try {
      const { ranking } = await askJSON(jobPath(job.id, "ranking"), { limit: thumbnails });
      const extents = extentsOf(job) ?? [4096, 4096];
      const bytes = extents.reduce((product, extent) => product * extent, ranking.length);
      const slice = isVolume(job) ? extents.slice(0, -2).map((extent) => extent >> 1) : undefined;
      let allow;
      const allowed = new Promise((resolve) => (allow = resolve));
      const grid = h("div", { class: "thumbnails" });
      const show = () =>
        fill(
          grid,
          ranking.map((row) => {
            const address = job.links.regions && this.address("queue", { image: row.image });
            return thumbnail({ ...row, slice }, names?.[row.image], arrays, address, allowed);
          }),
        );
      show();
      const ask = h("button", { type: "button" }, "Load their pictures");
      ask.addEventListener("click", () => {
        ask.remove();
        allow();
      });
      if (bytes <= politeBytes) allow();
      const folder = isPlanar(job) && folderButton(this.pictures, job, () => {
        arrays.forgetPictures();
        show();
      });
      fill(
        this.worst,
        h("div", { class: "section-head" }, h("h2", {}, "Worst images"), bytes > politeBytes && ask),
        grid,
        slice && h("p", { class: "hint" }, "Of each volume the slice in the middle is shown."),
        folder,
      );
    } catch (error) {
      fill(this.worst, h("h2", {}, "Worst images"), h("p", {}, error.message));
    }
  }

  showStop() {
    const { pairs, all } = this.estimate;
    const share = (value) => (value === null ? "–" : `${Math.round(100 * value)} %`);
    const range = (
      { wrong, fine, interval },
    ) => (wrong + fine === 0 ? "" : `${share(interval.low)} to ${share(interval.high)}`);
    const row = (first, pair, props = {}) =>
      h(
        "tr",
        props,
        h("th", { scope: "row" }, first),
        h("td", { class: "number" }, count(pair.undecided)),
        h("td", { class: "number" }, pair.wrong),
        h("td", { class: "number" }, pair.fine),
        h("td", { class: "number" }, share(pair.precision)),
        h("td", { class: "number hint" }, range(pair)),
        h("td", { class: "number strong" }, pair.expected === null ? "–" : expectation(pair.expected)),
      );
    const heads = ["Given → suggested", "Undecided", "Wrong", "Fine", "Precision", "95 %", "Mistakes left"];
    const missed = missedMistakes(drawsOf(this.job.id), this.job.shape.images);
    fill(
      this.stop,
      h("h2", {}, "When to stop"),
      h(
        "p",
        { class: "hint" },
        "Precision is wrong / (wrong + fine), with Wilson’s interval. Mistakes left are the undecided regions times " +
          "the precision of their pair, or of all pairs where a pair has no verdicts. The list goes from the " +
          "heaviest regions down, so what is left is likely to hold fewer.",
      ),
      all.undecided === all.regions && h("p", {}, "The estimates begin with the first verdict."),
      all.undecided < all.regions && h(
        "div",
        { class: "table-scroll" },
        h(
          "table",
          { class: "pairs" },
          h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))),
          h(
            "tbody",
            {},
            row("All", all, { class: "total" }),
            pairs.slice(0, 200).map((pair) => row(this.classes.pair(pair.given, pair.suggested), pair)),
          ),
        ),
      ),
      this.job.links.label_issues &&
        h(
          "p",
          {},
          missed
            ? `Controls: ${missed.wrong} of ${missed.draws} draws were wrong. That makes about ${
              measure(missed.missed)
            } mistaken regions that the list leaves out (standard error ${measure(missed.error)}).`
            : "Controls: none yet. Mix them in from the queue, to learn how many mistakes the list leaves out.",
        ),
    );
  }

  dispose() {}
}
