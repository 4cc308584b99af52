"""Measures how well scores find wrong masks, on sets of which it is known which masks are wrong.

    python Benchmarks/detection/detect.py FOLDER [--resamples 2000] [--seed 0] [--candidates all] [--segscore PROGRAM]

FOLDER has a file NAME.npz for each set, in one of the forms that `evidence.load` takes. Out of `nuclei.npz`, if it is
there, another set is made: mistakes are put into its right masks (`injection.py`).

Prints two tables in Markdown, with a row for each score and a column for each set. Each cell has the area under the ROC
curve and the average precision (AUROC / AUPRC) of finding the wrong masks at the low end, with 95 % bootstrap
intervals; in the second table it has their differences to those of `num_pixel_issues`, over the same resamples. Images
are resampled, and bring all of their masks: the seven masks of an image of BU-BIL are hard or easy together, and
intervals over single masks would be too narrow.

With --segscore, softmin, num_pixel_issues and margin are also computed by segscore, through its Python package. The
program fails if they differ from the definitions in `candidates.py` by more than 1e-6.
"""

import argparse
import pathlib
import sys

import numpy as np

from candidates import CANDIDATES, num_pixel_issues
from engine import TOLERANCE, Engine, EngineError
from evidence import EvidenceError, MaskSet, load_folder
from injection import injected
from ranking import Floats, Ranking, interval, resamples

BASELINE = num_pixel_issues.__name__
INJECTED_INTO = "nuclei"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, help="where the sets are")
    parser.add_argument("--resamples", type=int, default=2000, help="of the bootstrap")
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap and of the mistakes that are put in")
    parser.add_argument("--candidates", nargs="+", choices=["all", *CANDIDATES], default=["all"], metavar="SCORE")
    parser.add_argument("--segscore", metavar="PROGRAM", help="the program, or the URL of a server")
    options = parser.parse_args()
    if options.resamples < 1:
        parser.error("--resamples must be at least 1")
    names = [name for name in CANDIDATES if name in options.candidates or "all" in options.candidates]
    try:
        sets = load_folder(options.folder)
        engine = Engine(options.segscore) if options.segscore else None
    except (EvidenceError, EngineError) as error:
        parser.exit(2, f"{error}\n")
    sets += [injected(masks, np.random.default_rng(options.seed)) for masks in sets if masks.name == INJECTED_INTO]

    if engine is not None:
        try:
            require_agreement(engine, sets)
        except EngineError as error:
            sys.exit(str(error))
    measured = [measure(masks, [BASELINE, *names], options.resamples, options.seed) for masks in sets]
    print(table(sets, "AUROC / AUPRC", names, [{name: cells[name] for name in names} for cells in measured]))
    differences = [{name: cells[name] - cells[BASELINE] for name in names if name != BASELINE} for cells in measured]
    print()
    print(table(sets, f"difference to {BASELINE}", [name for name in names if name != BASELINE], differences, sign="+"))


def require_agreement(engine: Engine, sets: list[MaskSet]) -> None:
    """Ends the program if segscore's scores are not those of the definitions."""
    for masks in sets:
        for method, difference in engine.differences(masks).items():
            # Written so that NaN fails too.
            if not difference <= TOLERANCE:
                sys.exit(f"{method} of segscore differs by {difference:.3g} on {masks.name}, {TOLERANCE} is allowed.")
            print(f"{method} of segscore differs by {difference:.1g} on {masks.name}.", file=sys.stderr)


def measure(masks: MaskSet, names: list[str], count: int, seed: int) -> dict[str, Floats]:
    """AUROC and AUPRC of each score, (1 + count, 2): of the set as it is, then of its resamples, the same for all."""
    weights = resamples(masks.image, masks.wrong, count, np.random.default_rng(seed))
    measured = {}
    for name in dict.fromkeys(names):
        ranking = Ranking(CANDIDATES[name](masks), masks.wrong)
        measured[name] = np.array([ranking.measures(), *map(ranking.measures, weights)])
    return measured


def table(sets: list[MaskSet], corner: str, names: list[str], measured: list[dict[str, Floats]], sign: str = "") -> str:
    """The values of sets as they are, with intervals from their resamples."""

    def cell(values: Floats) -> str:
        texts = []
        for whole, *resampled in values.T:
            low, high = interval(np.array(resampled))
            texts.append(f"{whole:{sign}.3f} ({low:{sign}.3f} to {high:{sign}.3f})")
        return " / ".join(texts)

    lines = [[corner, *(masks.title for masks in sets)], ["---"] * (1 + len(sets))]
    lines += [[name, *(cell(cells[name]) for cells in measured)] for name in names]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main()
