"""How well scores find wrong masks, and how sure that is."""

import numpy as np
import numpy.typing as npt

from evidence import Classes, Flags

Floats = npt.NDArray[np.float64]
COVERAGE = 0.95


class Ranking:
    """Masks in the order of their scores, in which equal scores are one step.

    Parameters
    ----------
    scores
        (N,), low is suspect.
    wrong
        (N,), whether a mask is wrong.
    """

    def __init__(self, scores: Floats, wrong: Flags):
        self._steps = np.unique(scores, return_inverse=True)[1]
        self._wrong = wrong

    def measures(self, weights: Floats | None = None) -> tuple[float, float]:
        """The area under the ROC curve and the average precision.

        Of two masks with equal scores either is first in half of the cases, which is what midranks amount to; average
        precision sees them come at once, so that their order in the file decides nothing.

        Parameters
        ----------
        weights
            (N,), how often each mask is there; once by default. Both kinds of masks have to be there.
        """
        wrong = np.bincount(self._steps, self._wrong if weights is None else weights * self._wrong)
        right = np.bincount(self._steps, ~self._wrong if weights is None else weights * ~self._wrong)
        found, mistaken = wrong.cumsum(), right.cumsum()
        auroc = (wrong * (mistaken[-1] - mistaken + right / 2)).sum() / (found[-1] * mistaken[-1])
        has = wrong > 0
        precision = found[has] / (found[has] + mistaken[has])
        return float(auroc), float((wrong[has] * precision).sum() / found[-1])


def resamples(image: Classes, wrong: Flags, count: int, random: np.random.Generator) -> npt.NDArray[np.int64]:
    """How often each mask is in each of `count` resamples of the images, (count, N).

    Images are drawn with replacement and come with all of their masks. A draw without a wrong or without a right mask
    measures nothing and is drawn again.
    """
    images = int(image.max()) + 1
    weights = np.empty((count, len(image)), np.int64)
    for row in weights:
        row[:] = 0
        while not (row[wrong].any() and row[~wrong].any()):
            row[:] = np.bincount(random.integers(0, images, images), minlength=images)[image]
    return weights


def interval(values: Floats) -> tuple[float, float]:
    """The bounds between which the middle 95 % of resampled values are."""
    low, high = np.quantile(values, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    return float(low), float(high)
