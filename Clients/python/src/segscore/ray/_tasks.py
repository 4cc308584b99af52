"""What tasks do with reduced rows: each is a function of its arguments alone, which any worker can run, and run again.

Cells are the pixels, whose columns are called as `_engine.reduce` calls its arrays, after `_tables.PREFIX`; or with
`downsample` blocks of pixels, whose names begin with `block_` besides, which is what `prefix` is below.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Callable, NamedTuple

import numpy as np
import pyarrow as pa

from .. import _engine
from .._rounds import ClassTotals, Cut, Digit, Histogram
from ._tables import PREFIX, groups_of, joined, with_columns, without_reduced

Totals = Mapping[tuple[int, str], ClassTotals]
"""Class totals by the number of classes and the type of scores, of which one data set may have one."""


def rows_of(table: pa.Table) -> int:
    """How many rows a block has."""
    return int(table.num_rows)


def totals(table: pa.Table, prefix: str) -> Totals:
    """The class totals of a block."""
    groups = groups_of(table, [*_cells(prefix, "own"), PREFIX + "class_sums", PREFIX + "class_counts"])
    return merged_totals(
        [{(sums.shape[1], own.dtype.name): ClassTotals.of(sums, counts)} for own, sums, counts in groups]
    )


def merged_totals(several: Sequence[Totals]) -> Totals:
    """The totals of all of them."""
    kinds = dict.fromkeys(kind for each in several for kind in each)
    return {kind: ClassTotals.merged([each[kind] for each in several if kind in each]) for kind in kinds}


def confident(table: pa.Table, prefix: str, thresholds: np.ndarray) -> int:
    """How many cells of a block are confidently predicted as another class than their label."""
    groups = groups_of(table, _cells(prefix, "largest", "predicted", "labels"))
    return sum(_engine.count_confident(largest, predicted, labels, thresholds) for largest, predicted, labels in groups)


def histogram(table: pa.Table, prefix: str, digit: Digit, begin: int) -> Histogram:
    """Counts the values of a digit, among the scores of a block that begin with some bits."""
    groups = groups_of(table, _cells(prefix, "own", "labels"))
    return Histogram.merged(
        [Histogram.of(_engine.histogram(own, labels, begin, digit.shift, digit.width)) for own, labels in groups]
    )


def merged(merge: Callable[[Sequence[Any]], Any], *results: Any) -> Any:
    """What a function makes of the results of some tasks."""
    return merge(results)


def marked(table: pa.Table, prefix: str, cut: Cut | None, quota: int, added: Sequence[str]) -> pa.Table:
    """The rows of a block with what is found in them, in place of reduced predictions.

    Parameters
    ----------
    quota : int
        How many of the block's cells at the cut are candidates, the first by image, row and column.
    added : Sequence[str]
        Which columns are wanted.
    """
    found = []
    for own, labels, *pixels in groups_of(
        table, [*_cells(prefix, "own", "labels"), *_cells("", "labels", "predicted")]
    ):
        marks, ties = _marks(own, labels, cut, quota, *pixels)
        columns = {"label_issues": marks.mask, "score": marks.image_scores, "num_pixel_issues": marks.counts}
        found.append({name: columns[name] for name in added})
        quota -= ties
    return with_columns(without_reduced(table), joined(found))


def _marks(
    own: np.ndarray,
    labels: np.ndarray,
    cut: Cut | None,
    quota: int,
    pixel_labels: np.ndarray,
    pixel_predicted: np.ndarray,
) -> tuple[_engine.Marks, int]:
    """The label issues of some images, and how many of their cells at the cut are candidates, of a quota."""
    if cut is None:
        images = len(pixel_labels)
        return _engine.Marks(np.zeros(pixel_labels.shape, bool), np.zeros(images, np.int64), np.ones(images)), 0
    ties = min(quota, _engine.count_equal(own, labels, cut.score))
    return _engine.mark(own, labels, cut.score, ties, pixel_labels, pixel_predicted), ties


def _cells(prefix: str, *names: str) -> list[str]:
    return [PREFIX + prefix + name for name in names]


class Scoring(NamedTuple):
    """Scores images by a method that looks at one image at a time."""

    #: `softmin` or `margin`.
    method: str
    temperature: float

    def of_table(self, table: pa.Table) -> pa.Table:
        """The rows with their score, in place of reduced predictions."""
        groups = groups_of(table, _cells("", "own", "largest", "predicted", "labels"))
        found = joined({"score": self._scores(*arrays)} for arrays in groups)
        return with_columns(without_reduced(table), found)

    def _scores(self, own: np.ndarray, largest: np.ndarray, predicted: np.ndarray, labels: np.ndarray) -> np.ndarray:
        if self.method == "softmin":
            return _engine.softmin(own, labels, self.temperature)
        return _engine.margins(own, largest, predicted, labels)
