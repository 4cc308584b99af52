/** Verdicts of this tab, and the way back through them. */

import { Outbox } from "./outbox.js";
import { reviewer } from "./settings.js";

/** @typedef {import("./regions.js").Region} Region */
/** @typedef {{verdict: string, label: number | null, note: string | null}} Decision */

const keyOf = ({ of, threshold, id }) => JSON.stringify([of, threshold, id]);

/** Announces `change` with `{regions, delta}`: which changed, and by how much the number of decided ones grew. */
export class Decisions extends EventTarget {
  /** @param {string} job its id */
  constructor(job) {
    super();
    this.undoName = `segscore.undo.${job}`;
    /** What this tab has decided, or taken back (null), by region. @type {Map<string, Decision | null>} */
    this.made = new Map();
    /** What this reviewer has said since the page was opened, or taken back (null), by region. */
    this.own = new Map();
    /** Regions that this tab has decided, and has not taken back. */
    this.settled = new Set();
    this.history = JSON.parse(sessionStorage.getItem(this.undoName) ?? "[]");
    this.outbox = new Outbox(job);
    for (const letter of this.outbox.letters) {
      for (const step of letter.steps) {
        for (const known of [this.made, this.own]) known.set(keyOf({ ...step, id: step.region }), step.to);
      }
    }
  }

  /** @returns {Decision | null} */
  of(region) {
    const made = this.made.get(keyOf(region));
    if (made !== undefined) return made;
    return region.verdict ? { verdict: region.verdict, label: region.label, note: region.note ?? null } : null;
  }

  /** Whether this tab has decided about a region. */
  hasSettled(region) {
    return this.settled.has(keyOf(region));
  }

  /** Decides one region or several of one list. */
  decide(regions, decision) {
    const steps = regions.map((region) => ({
      region: region.id,
      of: region.of,
      threshold: region.threshold,
      before: this.ownOf(region),
      shown: this.of(region),
      to: { label: null, note: null, ...decision },
    }));
    this.history.push(steps);
    this.keepHistory();
    this.apply(steps);
    for (const region of regions) this.settled.add(keyOf(region));
  }

  /** What this reviewer says: another's verdict is not theirs to put back. */
  ownOf(region) {
    if (this.own.has(keyOf(region))) return this.own.get(keyOf(region));
    if (region.own !== undefined) return region.own;
    const isOwn = region.reviewer === undefined || region.reviewer === reviewer();
    return isOwn ? this.of(region) : null;
  }

  /**
   * Takes the last decision back, however many regions it was about.
   * @returns {{region: string, of: string, threshold: number | null}[] | null} what it was about; null at the end
   */
  undo() {
    const steps = this.history.pop();
    if (!steps) return null;
    this.keepHistory();
    this.apply(steps.map((step) => ({ ...step, to: step.before, shown: step.to, becomes: step.shown })));
    for (const step of steps) this.settled.delete(keyOf({ ...step, id: step.region }));
    return steps;
  }

  get canUndo() {
    return this.history.length > 0;
  }

  apply(steps) {
    let delta = 0;
    for (const { region, of, threshold, to, shown, becomes = to } of steps) {
      this.made.set(keyOf({ of, threshold, id: region }), becomes);
      this.own.set(keyOf({ of, threshold, id: region }), to);
      delta += Number(becomes !== null) - Number(shown !== null);
    }
    // One request for all that get a verdict, and one for each that loses it.
    const plain = steps.map(({ region, of, threshold, to }) => ({ region, of, threshold, to }));
    const [put, taken] = [plain.filter(({ to }) => to), plain.filter(({ to }) => !to)];
    const post = (some) => this.outbox.post({ steps: some, reviewer: reviewer(), at: Date.now() });
    if (put.length > 0) post(put);
    for (const step of taken) post([step]);
    this.dispatchEvent(new CustomEvent("change", { detail: { regions: plain, delta } }));
  }

  keepHistory() {
    try {
      sessionStorage.setItem(this.undoName, JSON.stringify(this.history));
    } catch {
      // The oldest part of a history that is too long is lost at a reload, and only there.
    }
  }
}

const byJob = new Map();

/** The decisions of a job; one object as long as the page is open, so that leaving a view forgets nothing unsent. */
export function decisionsOf(job) {
  if (!byJob.has(job)) {
    const decisions = new Decisions(job);
    byJob.set(job, decisions);
    everyOutbox.dispatchEvent(new CustomEvent("made", { detail: decisions.outbox }));
  }
  return byJob.get(job);
}

/** Tells of each new outbox, for the one place that shows what is unsent. */
export const everyOutbox = new EventTarget();
