/** What the verdicts so far say of the regions that nobody has looked at. */

/**
 * Wilson's interval of a share, at 95 %. It stays within 0 and 1, and is honest where there are few verdicts.
 * @param {number} hits
 * @param {number} total
 * @returns {{low: number, high: number}} the whole of 0 to 1 if there is no verdict
 */
export function wilson(hits, total) {
  if (total === 0) return { low: 0, high: 1 };
  const z = 1.959964;
  const share = hits / total;
  const centre = share + (z * z) / (2 * total);
  const spread = z * Math.sqrt((share * (1 - share)) / total + (z * z) / (4 * total * total));
  const scale = 1 + (z * z) / total;
  return { low: Math.max(0, (centre - spread) / scale), high: Math.min(1, (centre + spread) / scale) };
}

/**
 * @typedef {object} PairEstimate
 * @property {number} given
 * @property {number} suggested
 * @property {number} regions how many the list has
 * @property {number} mass
 * @property {number} wrong
 * @property {number} fine
 * @property {number} unsure
 * @property {number} undecided
 * @property {number | null} precision wrong / (wrong + fine), null without such verdicts
 * @property {{low: number, high: number}} interval
 * @property {number | null} expected mistakes among the undecided; null while nothing at all is decided
 */

/**
 * Puts the matrix of regions and the summary of verdicts together.
 * @param {{given: number, suggested: number, regions: number, mass: number}[]} cells of the matrix
 * @param {{given: number, suggested: number, wrong: number, fine: number, unsure: number}[]} verdicts
 * @returns {{pairs: PairEstimate[], all: PairEstimate}} pairs in the order of the matrix
 */
export function estimates(cells, verdicts) {
  const known = new Map(verdicts.map((cell) => [pairKey(cell), cell]));
  const total = { wrong: 0, fine: 0, unsure: 0 };
  for (const cell of verdicts) for (const name of Object.keys(total)) total[name] += cell[name];
  const overall = rate(total);
  const pairs = cells.map((cell) => {
    const { wrong = 0, fine = 0, unsure = 0 } = known.get(pairKey(cell)) ?? {};
    const undecided = Math.max(0, cell.regions - wrong - fine - unsure);
    const precision = rate({ wrong, fine });
    const used = precision ?? overall;
    return {
      ...cell,
      wrong,
      fine,
      unsure,
      undecided,
      precision,
      interval: wilson(wrong, wrong + fine),
      expected: used === null ? null : undecided * used,
    };
  });
  const sum = (name) => pairs.reduce((so, pair) => so + pair[name], 0);
  const all = {
    regions: sum("regions"),
    mass: sum("mass"),
    ...total,
    undecided: sum("undecided"),
    precision: overall,
    interval: wilson(total.wrong, total.wrong + total.fine),
    expected: overall === null ? null : sum("expected"),
  };
  return { pairs, all };
}

const pairKey = ({ given, suggested }) => `${given}/${suggested}`;

const rate = ({ wrong, fine }) => (wrong + fine === 0 ? null : wrong / (wrong + fine));

/**
 * How many mistakes the ranking passes over, by draws of control regions. A draw takes one image of the data set at
 * random and then one of its n regions of the tail, so that a region's chance is 1 / (N n); each draw that turns out
 * wrong stands for N n regions (Horvitz and Thompson).
 * @param {{eligible: number, verdict: string | null}[]} draws decided ones; an image without such regions counts as 0
 * @param {number} images N
 * @returns {{draws: number, wrong: number, missed: number, error: number} | null} `error` is the standard error; null
 *   below two draws
 */
export function missedMistakes(draws, images) {
  const counted = draws.filter(({ eligible, verdict }) => eligible === 0 || verdict === "wrong" || verdict === "fine");
  if (counted.length < 2) return null;
  const values = counted.map(({ eligible, verdict }) => (verdict === "wrong" ? images * eligible : 0));
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return {
    draws: counted.length,
    wrong: values.filter((value) => value > 0).length,
    missed: mean,
    error: Math.sqrt(variance / values.length),
  };
}
