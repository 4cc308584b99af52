/** Decisions on their way to the server. What cannot be sent stays, over a reload too, until it is sent or dropped. */

import { ask, jobPath } from "./api.js";

/**
 * @typedef {object} Step what becomes of one region
 * @property {string} of
 * @property {number | null} threshold
 * @property {string} region its id
 * @property {{verdict: string, label: number | null, note: string | null} | null} to null takes the decision back
 */

/**
 * @typedef {object} Letter steps that are sent together
 * @property {Step[]} steps of one `of` and `threshold`; several have all a verdict
 * @property {string} reviewer
 * @property {number} at when it was written, in milliseconds since 1970
 * @property {string} [refusal] why the server will not have it
 */

const longestWait = 30_000;
/** Letters of another tab are taken over after this time, since that tab is gone. */
const orphanedAfter = 60_000;

function tabName() {
  let name = sessionStorage.getItem("segscore.tab");
  if (!name) {
    name = Math.random().toString(36).slice(2);
    sessionStorage.setItem("segscore.tab", name);
  }
  return name;
}

export class Outbox extends EventTarget {
  /** @param {string} job its id */
  constructor(job) {
    super();
    this.job = job;
    this.prefix = `segscore.outbox.${job}.`;
    /** @type {Letter[]} */
    this.letters = this.stored();
    this.wait = 1000;
    this.failure = null;
    if (this.letters.length > 0) this.send();
  }

  stored() {
    const own = this.prefix + tabName();
    const letters = [];
    for (const name of Object.keys(localStorage).filter((name) => name.startsWith(this.prefix))) {
      const found = JSON.parse(localStorage.getItem(name));
      if (name !== own && found.some(({ at }) => Date.now() - at < orphanedAfter)) continue;
      letters.push(...found);
      if (name !== own) localStorage.removeItem(name);
    }
    return letters.sort((a, b) => a.at - b.at);
  }

  get unsent() {
    return this.letters.reduce((sum, letter) => sum + letter.steps.length, 0);
  }

  get refused() {
    return this.letters.filter((letter) => letter.refusal);
  }

  /** @param {Letter} letter */
  post(letter) {
    this.letters.push(letter);
    this.keep();
    this.send();
  }

  keep() {
    const name = this.prefix + tabName();
    try {
      if (this.letters.length === 0) localStorage.removeItem(name);
      else localStorage.setItem(name, JSON.stringify(this.letters));
    } catch {
      // A full store keeps nothing over a reload; the letters are still in memory, and beforeunload warns.
    }
    this.dispatchEvent(new Event("change"));
  }

  /** Sends one letter after the other, in their order, so that what is taken back is taken back last. */
  async send() {
    if (this.sending) return;
    this.sending = true;
    clearTimeout(this.timer);
    for (;;) {
      const letter = this.letters.find(({ refusal }) => !refusal);
      if (!letter) break;
      try {
        await this.deliver(letter);
        this.letters.splice(this.letters.indexOf(letter), 1);
        this.failure = null;
        this.wait = 1000;
      } catch (error) {
        if (error.mayPass ?? true) {
          this.failure = error.message;
          this.timer = setTimeout(() => this.send(), this.wait);
          this.wait = Math.min(longestWait, this.wait * 2);
          this.sending = false;
          this.keep();
          return;
        }
        letter.refusal = error.message;
      }
      this.keep();
    }
    this.sending = false;
  }

  async deliver({ steps, reviewer }) {
    const [{ of, threshold }] = steps;
    const query = { of, threshold };
    if (steps.length > 1) {
      const decisions = steps.map(({ region, to }) => ({ region, ...present(to) }));
      await ask(jobPath(this.job, "decisions"), { method: "POST", query, body: { reviewer, decisions } });
      return;
    }
    const [{ region, to }] = steps;
    const path = jobPath(this.job, "decisions", region);
    if (to) await ask(path, { method: "PUT", query, body: { reviewer, ...present(to) } });
    else await ask(path, { method: "DELETE", query: { ...query, reviewer } });
  }

  /** Tries refused letters again too. */
  retry() {
    for (const letter of this.letters) delete letter.refusal;
    this.wait = 1000;
    this.send();
  }

  /** Drops what the server refuses. */
  dropRefused() {
    this.letters = this.letters.filter(({ refusal }) => !refusal);
    this.keep();
  }
}

/** The members that have a value. */
function present(decision) {
  return Object.fromEntries(Object.entries(decision).filter(([, value]) => value !== null && value !== undefined));
}
