/**
 * Control regions: drawn by lot from what the list leaves out, to learn how many mistakes it passes over. A control is
 * a region of all disagreements that holds no label issue and is wider than two pixels somewhere.
 */

import { askJSON, jobPath } from "./api.js";
import { isSequence } from "./dimensions.js";
import { everything as scope } from "./regions.js";

/** So many images without an eligible region may be drawn in a row; each is a draw that counts nothing. */
const tries = 4;

/**
 * @typedef {object} Draw
 * @property {number} image
 * @property {number} eligible how many regions of the image could have been drawn
 * @property {string | null} region its id, null if the image has none
 * @property {string | null} verdict null while undecided
 */

const storageName = (job) => `segscore.controls.${job}`;

/** The draws of a job so far. @returns {Draw[]} */
export function drawsOf(job) {
  try {
    return JSON.parse(localStorage.getItem(storageName(job)) ?? "[]");
  } catch {
    return [];
  }
}

export class ControlDraws {
  /**
   * @param {object} job its document
   * @param {import("./arrays.js").ImageArrays} arrays
   */
  constructor(job, arrays) {
    this.job = job;
    this.arrays = arrays;
  }

  keep(draws) {
    localStorage.setItem(storageName(this.job.id), JSON.stringify(draws));
  }

  /** Draws an image and one of its regions, null if none came up that is still to be decided. */
  async draw() {
    for (let attempt = 0; attempt < tries; attempt++) {
      const image = Math.floor(Math.random() * this.job.shape.images);
      const eligible = await this.eligible(image);
      const draws = drawsOf(this.job.id);
      if (eligible.length === 0) {
        this.keep([...draws, { image, eligible: 0, region: null, verdict: null }]);
        continue;
      }
      const region = eligible[Math.floor(Math.random() * eligible.length)];
      const known = region.verdict ?? draws.find((draw) => draw.region === region.id)?.verdict ?? null;
      this.keep([...draws, { image, eligible: eligible.length, region: region.id, verdict: known }]);
      // Draws put back what they drew; one that is decided already counts once more, without being asked again.
      if (known === null) return region;
    }
    return null;
  }

  /** A control that was drawn before, by its id. */
  async region(id) {
    const { rle: _pixels, ...region } = await askJSON(jobPath(this.job.id, "regions", id), scope);
    return { verdict: null, label: null, ...region, ...scope, isControl: true };
  }

  /** The regions of an image that the list leaves out. */
  async eligible(image) {
    const query = { of: scope.of, image, min_thickness: isSequence(this.job) ? null : 2, limit: 10_000 };
    const { regions } = await askJSON(jobPath(this.job.id, "regions"), query);
    const all = regions.map((region) => ({ verdict: null, label: null, ...region, ...scope, isControl: true }));
    const left = [];
    for (const region of all) {
      const [given, suggested, issues] = await Promise.all([
        this.arrays.given(region),
        this.arrays.suggested(region),
        this.arrays.issues(region),
      ]);
      if (!holdsIssue(region, given, suggested.values, issues.values)) left.push(region);
    }
    return left;
  }

  /** Notes the verdict on a control. */
  decided(region, verdict) {
    this.keep(drawsOf(this.job.id).map((draw) => (draw.region === region.id ? { ...draw, verdict } : draw)));
  }

  /** Notes that verdicts were taken back. */
  undone(steps) {
    const taken = new Set(steps.filter(({ of }) => of === "disagreements").map(({ region }) => region));
    if (taken.size === 0) return;
    this.keep(drawsOf(this.job.id).map((draw) => (taken.has(draw.region) ? { ...draw, verdict: null } : draw)));
  }
}

/**
 * Whether one of a region's pixels is a label issue. A region's id ends in the row and the column of its first pixel,
 * from which its pixels are found as the server finds them: neighbours, corners included, of the same two classes.
 */
function holdsIssue(region, { values: given, width, height }, suggested, issues) {
  const [before, column] = region.id.split("-").slice(-2).map(Number);
  // A sequence is one row, which its ids do not count.
  const row = height === 1 ? 0 : before;
  const seen = new Set([row * width + column]);
  const open = [...seen];
  while (open.length > 0) {
    const at = open.pop();
    if (issues[at]) return true;
    const [x, y] = [at % width, Math.floor(at / width)];
    for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++) {
      for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++) {
        const next = v * width + u;
        if (given[next] !== region.given || suggested[next] !== region.suggested || seen.has(next)) continue;
        seen.add(next);
        open.push(next);
      }
    }
  }
  return false;
}
