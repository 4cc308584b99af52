/** Regions that reviewers are of different minds about, found in what the server lists of their decisions. */

import { askJSON, jobPath } from "./api.js";

/** The longest page of decisions that the server gives, and how many of them are read at most. */
const pageLength = 10_000;
const mostPages = 5;

/**
 * @typedef {object} Statement the last word of one reviewer on one region
 * @property {string | null} reviewer
 * @property {string} verdict
 * @property {number | null} label
 * @property {string | null} note
 * @property {number} image
 * @property {number} given
 * @property {number} suggested
 */

/**
 * The disputes about regions of a scope. Who is unsure disputes nothing, as in the server's summary.
 * @param {string} job its id
 * @param {{of: string, threshold: number | null}} scope
 * @returns {Promise<Map<string, Statement[]>>} by region, in the order in which they were said
 */
export async function disputesOf(job, scope) {
  // Most jobs have no dispute, and are told so by one small answer.
  const { disputed } = await askJSON(jobPath(job, "decisions", "summary"), scope);
  const said = new Map();
  let cursor = null;
  for (let page = 0; disputed > 0 && page < mostPages && (page === 0 || cursor); page++) {
    const { decisions, next } = await askJSON(jobPath(job, "decisions"), { limit: pageLength, cursor });
    for (const decision of decisions) {
      if (decision.of !== scope.of || decision.threshold !== scope.threshold) continue;
      said.set(decision.region, [...(said.get(decision.region) ?? []), decision]);
    }
    cursor = next;
  }
  return new Map([...said].filter(([, statements]) => areInDispute(statements)));
}

/** Whether reviewers of one region are sure of different things. @param {Statement[]} statements */
export function areInDispute(statements) {
  const sure = statements.filter(({ verdict }) => verdict === "wrong" || verdict === "fine");
  return sure.some(({ verdict, label }) => verdict !== sure[0].verdict || label !== sure[0].label);
}
