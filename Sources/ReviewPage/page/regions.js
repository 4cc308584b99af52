/** The regions to look at, page by page: undecided ones first, those of the greatest mass ahead. */

import { askJSON, jobPath } from "./api.js";
import { isSequence } from "./dimensions.js";
import { look } from "./settings.js";

/**
 * A region as the server lists it, with the list it is of.
 * @typedef {object} Region
 * @property {string} id
 * @property {number} image
 * @property {string} [name] of the image
 * @property {number[]} [slice] of a volume
 * @property {number} given
 * @property {number} suggested
 * @property {[number, number, number, number]} bbox x, y, width and height in pixels
 * @property {number} area pixels
 * @property {number} thickness pixels
 * @property {number} mean_own
 * @property {number} mass
 * @property {string | null} verdict the latest
 * @property {number | null} label what a wrong one should be
 * @property {string | null} [reviewer] who has the last word
 * @property {import("./decisions.js").Decision | null} [own] what this reviewer said of it, where that is known
 * @property {string} of
 * @property {number | null} threshold
 */

/** The pages are this long, so that the first comes fast. */
const pageLength = 200;
/** So many disputes come ahead of all else, since each is fetched by itself. */
const mostDisputes = 40;

/** What to list if nobody says: issues of confident learning where the job has them. */
export function usualScope(job) {
  if (job.links.label_issues) return { of: "label_issues", threshold: null };
  return { of: "issues", threshold: job.parameters.threshold ?? 0.1 };
}

/** The scope of all regions that the model would label otherwise. */
export const everything = { of: "disagreements", threshold: null };

/** The scope that an address names. */
export function scopeOf(job, parameters) {
  if (!parameters.of) return usualScope(job);
  return { of: parameters.of, threshold: parameters.of === "issues" ? Number(parameters.threshold ?? 0.1) : null };
}

/** Border noise is left out unless it is wanted; of sequences no region is more than one element thick. */
export const leastThickness = (job) => (look.noise || isSequence(job) ? null : 2);

export class RegionList {
  /**
   * @param {string} job its id
   * @param {{of: string, threshold: number | null}} scope
   * @param {{given?: string, suggested?: string, image?: string, min_thickness?: number | null}} filters
   */
  constructor(job, scope, filters) {
    this.job = job;
    this.scope = scope;
    this.filters = filters;
    /** @type {Region[]} */
    this.items = [];
    this.known = new Set();
    this.decided = false;
    this.cursor = null;
    this.stale = false;
    this.isComplete = false;
    /** The place of the first that was decided before it was listed, null while that is not known. */
    this.boundary = null;
    /** How many are undecided and decided at the time of the first page of each. */
    this.undecidedTotal = null;
    this.decidedTotal = null;
  }

  ask(query) {
    return askJSON(jobPath(this.job, "regions"), { ...this.scope, ...this.filters, order: "mass", ...query });
  }

  adopt(region) {
    if (this.known.has(region.id)) return null;
    this.known.add(region.id);
    return { verdict: null, label: null, ...region, ...this.scope };
  }

  /** Puts a region that an address names ahead of all others, and returns its place. */
  async include(id) {
    const place = this.items.findIndex((region) => region.id === id);
    if (place >= 0) return place;
    this.items.unshift(this.adopt(await this.region(id)));
    if (this.boundary !== null) this.boundary += 1;
    return 0;
  }

  /**
   * Lists regions ahead of all others, the heaviest first, as far as the filters take them. One that is gone is passed
   * over.
   * @param {string[]} ids
   */
  async putFirst(ids) {
    const loads = ids.slice(0, mostDisputes).map((id) => this.region(id).catch(() => null));
    const found = (await Promise.all(loads)).filter((region) => region && this.takes(region));
    found.sort((a, b) => b.mass - a.mass);
    for (const { id } of found) {
      const place = this.items.findIndex((region) => region.id === id);
      if (place < 0) continue;
      this.items.splice(place, 1);
      this.known.delete(id);
      if (place < (this.boundary ?? 0)) this.boundary -= 1;
    }
    this.items.unshift(...found.map((region) => this.adopt(region)));
    if (this.boundary !== null) this.boundary += found.length;
  }

  async region(id) {
    const { rle: _pixels, ...region } = await askJSON(jobPath(this.job, "regions", id), this.scope);
    return region;
  }

  /** Whether the filters let a region through. */
  takes(region) {
    const { min_thickness: least, ...wanted } = this.filters;
    const equal = ([name, value]) => value === undefined || Number(value) === region[name];
    return region.thickness >= (least ?? 0) && Object.entries(wanted).every(equal);
  }

  /** Counts how many are decided, without listing them. */
  async countDecided() {
    this.decidedTotal = (await this.ask({ decided: true, limit: 1 })).total;
    return this.decidedTotal;
  }

  /** The list of undecided regions has changed under the cursor, since some of them were decided. */
  noteDecision() {
    this.stale = true;
  }

  /** The region at a place, null behind the last. */
  async at(index) {
    while (index >= this.items.length && !this.isComplete) {
      this.loading ??= this.loadMore().finally(() => (this.loading = null));
      await this.loading;
    }
    return this.items[index] ?? null;
  }

  async loadMore() {
    // Cursors count from the top of the list, from which decided regions vanish: so a list that has changed is read
    // from its top again, and what is known is passed over.
    if (this.stale && !this.decided) this.cursor = null;
    this.stale = false;
    for (;;) {
      const page = await this.ask({ decided: this.decided, limit: pageLength, cursor: this.cursor });
      if (this.decided) this.decidedTotal ??= page.total;
      else this.undecidedTotal ??= page.total;
      const fresh = page.regions.map((region) => this.adopt(region)).filter(Boolean);
      this.items.push(...fresh);
      this.cursor = page.next;
      if (page.next === null) {
        if (this.decided) this.isComplete = true;
        else this.boundary = this.items.length;
        this.decided = true;
        if (!this.isComplete && fresh.length === 0) continue;
        return;
      }
      if (fresh.length > 0) return;
    }
  }
}
