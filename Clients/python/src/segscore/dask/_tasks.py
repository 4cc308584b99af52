"""What tasks do: each is a function of its arguments alone, which any worker can run, and run again.

A task that looks at pixels asks the engine, a library in this package that works on the arrays where they lie. NumPy's
arrays are of one block of images; `own` and `labels` are those of its cells, pixels or, with `downsample`, blocks of
pixels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Callable

import numpy as np

from .. import _engine
from .._rounds import ClassTotals, Cut, Digit, Histogram, Search, quotas_of, statistics_of
from .._tensors import in_memory
from .._types import reckonable
from ..errors import SegscoreError
from ..segmentation._pairs import Pairs, counted_pairs, rows_of
from ._inputs import check_block, score_dtype


def reduced(labels: Any, predictions: Any, name: str, query: Mapping[str, Any], first: int) -> dict[str, np.ndarray]:
    """Reduces a block of images.

    Parameters
    ----------
    first : int
        The number of its first image, for messages.
    """
    try:
        return _engine.reduce(in_memory(labels, "labels"), in_memory(predictions, name), name, query)
    except SegscoreError as error:
        last = first + len(labels) - 1
        detail = f"In the block of images {first} to {last}, counted from 0 in it: {error.detail}"
        raise type(error)({**error.problem, "detail": detail}) from None


def modelled(
    model: Callable[[Any], Any],
    images: Any,
    labels: Any,
    name: str,
    query: Mapping[str, Any],
    first: int,
    dtype: np.dtype[Any],
    is_resized: bool,
) -> dict[str, np.ndarray]:
    """Has a model predict a block of images, and reduces what it predicts, which nobody else sees."""
    predictions = in_memory(model(images), name)
    check_block(labels, predictions, name, is_resized)
    if score_dtype(predictions.dtype) != dtype:
        raise TypeError(
            f"the model gives {predictions.dtype}, of which scores are {score_dtype(predictions.dtype)}: "
            f"say so with dtype, which is {dtype}"
        )
    return reduced(labels, predictions, name, query, first)


def totals_of(blocks: Sequence[Sequence[np.ndarray]]) -> ClassTotals:
    """The totals of the sums and counts of the images of some blocks."""
    return ClassTotals.merged([ClassTotals.of(*block) for block in blocks])


def thresholds_of(totals: ClassTotals) -> np.ndarray:
    """The confident thresholds."""
    return totals.thresholds()


def confident(largest: np.ndarray, predicted: np.ndarray, labels: np.ndarray, thresholds: np.ndarray) -> int:
    """How many cells are confidently predicted as another class than their label."""
    return _engine.count_confident(largest, predicted, labels, thresholds)


def histogram(own: np.ndarray, labels: np.ndarray, digit: Digit, search: Search | None) -> Histogram:
    """Counts the values of a digit, among the scores that begin as the search has found."""
    if search is None:
        return Histogram.of(np.zeros(0, np.uint64))
    return Histogram.of(_engine.histogram(own, labels, search.prefix, *digit))


def searched(search: Search | None, count: int, digit: Digit, histogram: Histogram) -> Search | None:
    """Finds the next digit of the n-th lowest score; there is none if n is 0."""
    return None if search is None or count == 0 else search.next(count, digit, histogram)


def cut_of(search: Search | None, count: int, digits: Sequence[Digit]) -> Cut | None:
    """The cut, if there is one."""
    return None if search is None else Cut.of(search, count, digits)


def equals_of(histograms: Sequence[Histogram], cut: Cut | None) -> np.ndarray:
    """How many cells at the cut each of some blocks has, by the histograms of the last digit."""
    return np.array([0 if cut is None else each.count_of(cut.last) for each in histograms], np.int64)


def quotas(equals: np.ndarray, cut: Cut | None) -> np.ndarray:
    """How many of the cells at the cut are candidates in each block."""
    return equals if cut is None else quotas_of(cut.ties, equals)


def marked(
    own: np.ndarray,
    labels: np.ndarray,
    cut: Cut | None,
    quotas: np.ndarray,
    block: int,
    pixel_labels: np.ndarray,
    pixel_predicted: np.ndarray,
) -> _engine.Marks:
    """Marks the label issues of a block.

    Parameters
    ----------
    block : int
        The place of its quota.
    """
    if cut is None:
        images = len(pixel_labels)
        return _engine.Marks(np.zeros(pixel_labels.shape, bool), np.zeros(images, np.int64), np.ones(images))
    return _engine.mark(own, labels, cut.score, int(quotas[block]), pixel_labels, pixel_predicted)


def softmin(own: np.ndarray, labels: np.ndarray, temperature: float) -> np.ndarray:
    """The softmin of the scores of each image's pixels."""
    return _engine.softmin(own, labels, temperature)


def margins(own: np.ndarray, largest: np.ndarray, predicted: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The score of each image by the method `margin`."""
    return _engine.margins(own, largest, predicted, labels)


def image_table(marks: _engine.Marks, first: int) -> Any:
    """The images of a block with their scores; the number of the first is given."""
    import pandas

    images = np.arange(first, first + len(marks.counts))
    columns = {"image": images, "score": marks.image_scores, "num_pixel_issues": marks.counts}
    return pandas.DataFrame(columns, index=images)


def region_table(
    marks: _engine.Marks | None,
    own: np.ndarray,
    largest: np.ndarray,
    predicted: np.ndarray,
    labels: np.ndarray,
    first: int,
    dtypes: Mapping[str, str],
) -> Any:
    """The regions of a block's label issues, or of all that disagrees; the number of its first image is given.

    Parameters
    ----------
    dtypes : Mapping[str, str]
        Those of the columns, of which the float64 ones come in a table of their own.
    """
    import pandas

    found = _engine.regions(own, largest, predicted, labels, None if marks is None else marks.mask, first)
    whole = [name for name, dtype in dtypes.items() if dtype != "float64"]
    columns = dict(zip(whole, found.whole_numbers.T))
    columns.update(zip((name for name in dtypes if name not in columns), found.numbers.T))
    return pandas.DataFrame({name: columns[name] for name in dtypes}).astype(dict(dtypes))


def marked_pairs(marks: _engine.Marks, labels: np.ndarray, predicted: np.ndarray, classes: int) -> Pairs:
    """Counts the label issues of a block by their label and their most probable class."""
    return counted_pairs(labels[marks.mask], predicted[marks.mask], classes)


def given_pairs(issues: Any, labels: Any, predictions: Any) -> Pairs:
    """Counts any issues of a block by their label and the class that is most probable there."""
    mask = in_memory(issues, "issues").astype(bool)
    labels = reckonable(in_memory(labels, "labels"))
    # The classes of a pixel are brought to the last axis, so that the mask picks pixels.
    probabilities = reckonable(np.moveaxis(in_memory(predictions, "pred_probs"), 1, -1)[mask])
    return counted_pairs(labels[mask], probabilities.argmax(axis=1), predictions.shape[1])


def pairs_merged(pairs: Sequence[Pairs]) -> Pairs:
    """The counts of several blocks."""
    total: Pairs = Counter()
    for each in pairs:
        total.update(each)
    return total


def pair_table(
    pairs: Pairs,
    classes: int,
    class_names: Sequence[str] | None,
    exclude: Sequence[int] | None,
    top: int | None,
    dtypes: Mapping[str, Any],
) -> Any:
    """The most frequent pairs."""
    import pandas

    rows = rows_of(pairs, classes, class_names, exclude, top)
    return pandas.DataFrame(rows, columns=list(dtypes)).astype(dict(dtypes))


def statistics(totals: ClassTotals, count: int, cut: Cut | None, downsample: int) -> dict[str, Any]:
    """The numbers that decided."""
    return statistics_of(totals, count, cut, downsample)
