"""The scores as the program computes them, which have to be those of the definitions in candidates.py."""

import os

from candidates import CANDIDATES, Scores
from evidence import MaskSet

# The candidates that the program has as methods, under the same names.
METHODS = ("softmin", "num_pixel_issues", "margin")

# Far above what float64 sums of a mask's pixels differ by if they are made in another order, and below what one pixel
# more or less changes a share of 512 x 512.
TOLERANCE = 1e-6


class EngineError(Exception):
    """The package is missing, or the server has not scored a set."""


class Engine:
    """A server that is asked for scores through the Python package.

    Parameters
    ----------
    program_or_url
        The path of the program, which is started as a server of this process's own, or the URL of a server.

    Raises
    ------
    EngineError
        The package `segscore` is not installed.
    """

    def __init__(self, program_or_url: str):
        try:
            import segscore
        except ImportError as error:
            raise EngineError(f"--segscore needs the Python package in Clients/python: {error}.") from error
        is_url = "://" in program_or_url or program_or_url.startswith("unix:")
        if not is_url:
            # A server of one's own is what is asked if no URL is known.
            os.environ.pop("SEGSCORE_URL", None)
            os.environ.pop("SEGSCORE_SERVER", None)
            os.environ["SEGSCORE_PROGRAM"] = os.path.abspath(program_or_url)
        self._refusal = segscore.SegscoreError
        self._client = segscore.Client(program_or_url if is_url else None)

    def score(self, masks: MaskSet, method: str) -> Scores:
        """The image scores that the server answers with.

        Raises
        ------
        EngineError
            It does not answer, or refuses.
        """
        try:
            scores = self._client.score(
                masks.labels,
                own=masks.own,
                largest=masks.largest,
                predicted=masks.predicted,
                method=method,
                classes=masks.class_count,
                ignore_label=masks.ignore_label,
            )
        except self._refusal as error:
            raise EngineError(f"segscore has not scored {masks.name} by {method}: {error}") from error
        scores.job.delete()
        return scores.image_scores

    def differences(self, masks: MaskSet) -> dict[str, float]:
        """By how much the server's scores of a set differ at most from the definitions, by method."""
        return {method: float(abs(self.score(masks, method) - CANDIDATES[method](masks)).max()) for method in METHODS}
