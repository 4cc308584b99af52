/** The front door: the jobs, newest first. */

import { askJSON, jobPath } from "./api.js";
import { setBar } from "./bar.js";
import { count, fill, fromNow, h } from "./elements.js";
import { addressOf } from "./router.js";
import { usualScope } from "./regions.js";
import { look } from "./settings.js";

const pageLength = 50;
/** Of so many jobs the page asks how far they are reviewed, in two requests each: with the list fewer than twenty. */
const mostAsked = 9;

export class JobsPage {
  constructor() {
    this.asked = 0;
    setBar([{ text: "Jobs" }]);
    this.rows = h("tbody");
    this.foot = h("p", { class: "foot" });
    const heads = ["Job", "Method", "Images", "Classes", "Size", "Scored", "Reviewed"];
    this.element = h(
      "div",
      { class: "page" },
      h("h1", {}, "Jobs"),
      h(
        "div",
        { class: "table-scroll" },
        h(
          "table",
          { class: "jobs" },
          h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))),
          this.rows,
        ),
      ),
      this.foot,
    );
    this.load(null);
  }

  async load(cursor) {
    fill(this.foot, "Loading…");
    let page;
    try {
      page = await askJSON("/jobs", { limit: pageLength, cursor });
    } catch (error) {
      fill(
        this.foot,
        error.message,
        " ",
        h("button", { type: "button", onclick: () => this.load(cursor) }, "Try again"),
      );
      return;
    }
    this.rows.append(...page.jobs.map((job) => this.row(job)));
    if (page.next) fill(this.foot, h("button", { type: "button", onclick: () => this.load(page.next) }, "Older jobs"));
    else if (this.rows.children.length === 0) {
      fill(this.foot, "There are no jobs yet. POST labels and pred_probs to /score, and reload this page.");
    } else fill(this.foot);
  }

  row(job) {
    const { shape } = job;
    const reviewed = h("td", { class: "reviewed" });
    if (job.status !== "succeeded") fill(reviewed, h("span", { class: "hint" }, job.status));
    else if (!job.links.regions) fill(reviewed, h("span", { class: "hint" }, "no regions"));
    else this.showProgress(job, reviewed);
    const extent = shape?.height
      ? `${shape.width} × ${shape.height}`
      : shape?.space
      ? shape.space.join(" × ")
      : shape
      ? "several"
      : "";
    const when = h(
      "time",
      { datetime: job.created_at, title: new Date(job.created_at).toLocaleString() },
      fromNow(job.created_at),
    );
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, h("a", { href: addressOf(["jobs", job.id]) }, job.id.slice(0, 8))),
      h("td", {}, job.method),
      h("td", { class: "number" }, shape ? count(shape.images) : ""),
      h("td", { class: "number" }, shape ? count(shape.classes) : ""),
      h("td", { class: "number" }, extent),
      h("td", {}, when),
      reviewed,
    );
  }

  async showProgress(job, cell) {
    if (this.asked >= mostAsked) return;
    this.asked += 1;
    try {
      const { decided } = await askJSON(jobPath(job.id, "decisions", "summary"), usualScope(job));
      if (decided === 0) {
        fill(cell, h("span", { class: "hint" }, "not begun"));
        return;
      }
      const { total } = await askJSON(jobPath(job.id, "regions"), {
        ...usualScope(job),
        min_thickness: look.noise ? null : 2,
        limit: 1,
      });
      const done = Math.min(decided, total);
      fill(
        cell,
        h("progress", { max: total, value: done, "aria-label": "Decided regions" }),
        ` ${count(done)} of ${count(total)}`,
      );
    } catch {
      fill(cell, h("span", { class: "hint" }, "unknown"));
    }
  }

  dispose() {}
}
