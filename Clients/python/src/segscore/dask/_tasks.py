"""What tasks do: each is a function of its arguments alone, which any worker can run, and run again.

A task that looks at pixels asks the engine, a library in this package that works on the arrays where they lie. NumPy's
arrays are of one block of images.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Callable, NamedTuple

import numpy as np

from .. import _engine
from .._rounds import ClassTotals, Cut, Digit, Histogram, Search, quotas_of, statistics_of
from .._tensors import in_memory
from .._types import reckonable
from ..errors import SegscoreError
from ..segmentation._pairs import Pairs, counted_pairs, rows_of
from ._inputs import check_block, score_dtype


class Cells(NamedTuple):
    """Pixels of a block or, with `downsample`, blocks of them, after the largest probabilities have been looked at."""

    #: The probability of each cell's label, (n, H, W), float32 or float64; 1 where it takes no part.
    own: np.ndarray
    #: The class of the largest probability, the first of equals, uint8 or uint16.
    predicted: np.ndarray
    #: The class of each cell's label, in as many bits; all ones where it takes no part.
    labels: np.ndarray


class Kept(NamedTuple):
    """What is kept of a block until its label issues are marked."""

    pixels: Cells
    #: With `downsample`, what decides which pixels are candidates.
    blocks: Cells | None

    @property
    def cells(self) -> Cells:
        """What decides which pixels are candidates."""
        return self.blocks or self.pixels


class First(NamedTuple):
    """What is counted in blocks before anything is decided."""

    totals: ClassTotals
    #: Of the first digit of scores.
    histogram: Histogram


def reduced(labels: Any, predictions: Any, name: str, query: Mapping[str, Any], first: int) -> dict[str, Any]:
    """Reduces a block of images, to what is kept of it, `largest` of pixels and of cells, and sums by class.

    Parameters
    ----------
    first : int
        The number of its first image, for messages.
    """
    try:
        found = _engine.reduce(in_memory(labels, "labels"), in_memory(predictions, name), name, query)
    except SegscoreError as error:
        last = first + len(labels) - 1
        detail = f"In the block of images {first} to {last}, counted from 0 in it: {error.detail}"
        raise type(error)({**error.problem, "detail": detail}) from None
    pixels, blocks = (
        Cells(*(found[prefix + name] for name in Cells._fields)) if prefix + "own" in found else None
        for prefix in ("", "block_")
    )
    assert pixels is not None
    return {
        "kept": Kept(pixels, blocks),
        **{name: array for name, array in found.items() if name.endswith("largest") or name.startswith("class_")},
    }


def handed_on(results: Mapping[str, Any], name: str) -> Any:
    """One of the results of a block."""
    return results[name]


def of_pixels(kept: Kept, name: str) -> np.ndarray:
    """One of the arrays of a block's pixels."""
    array: np.ndarray = getattr(kept.pixels, name)
    return array


def modelled(
    model: Callable[[Any], Any],
    images: Any,
    labels: Any,
    name: str,
    query: Mapping[str, Any],
    first: int,
    dtype: np.dtype[Any],
    is_resized: bool,
) -> dict[str, Any]:
    """Has a model predict a block of images, and reduces what it predicts, which nobody else sees."""
    predictions = in_memory(model(images), name)
    check_block(labels, predictions, name, is_resized)
    if score_dtype(predictions.dtype) != dtype:
        raise TypeError(
            f"the model gives {predictions.dtype}, of which scores are {score_dtype(predictions.dtype)}: "
            f"say so with dtype, which is {dtype}"
        )
    return reduced(labels, predictions, name, query, first)


def first_of(results: Mapping[str, Any], digit: Digit) -> First:
    """What is counted in a block."""
    cells = results["kept"].cells
    histogram = Histogram.of(_engine.histogram(cells.own, cells.labels, 0, *digit))
    return First(ClassTotals.of(results["class_sums"], results["class_counts"]), histogram)


def first_merged(several: Sequence[First]) -> First:
    """What is counted in several blocks."""
    totals, histograms = zip(*several)
    return First(ClassTotals.merged(totals), Histogram.merged(histograms))


def thresholds_of(first: First) -> np.ndarray:
    """The confident thresholds."""
    return first.totals.thresholds()


def confident(largest: np.ndarray, kept: Kept, thresholds: np.ndarray) -> int:
    """How many cells are confidently predicted as another class than their label."""
    return _engine.count_confident(largest, kept.cells.predicted, kept.cells.labels, thresholds)


def first_searched(first: First, count: int, digit: Digit) -> Search | None:
    """Finds the first digit of the n-th lowest score; there is none if n is 0."""
    return searched(Search(), count, digit, first.histogram)


def histogram(kept: Kept, digit: Digit, search: Search | None) -> Histogram:
    """Counts the values of a digit, among the scores that begin as the search has found."""
    if search is None:
        return Histogram.of(np.zeros(0, np.uint64))
    return Histogram.of(_engine.histogram(kept.cells.own, kept.cells.labels, search.prefix, *digit))


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


def marked(kept: Kept, cut: Cut | None, quotas: np.ndarray, block: int) -> _engine.Marks:
    """Marks the label issues of a block.

    Parameters
    ----------
    block : int
        The place of its quota.
    """
    (own, _, labels), pixels = kept.cells, kept.pixels
    if cut is None:
        images = len(pixels.labels)
        return _engine.Marks(np.zeros(pixels.labels.shape, bool), np.zeros(images, np.int64), np.ones(images))
    return _engine.mark(own, labels, cut.score, int(quotas[block]), pixels.labels, pixels.predicted)


def of_marks(marks: _engine.Marks, name: str) -> np.ndarray:
    """One of the arrays of a block's label issues."""
    array: np.ndarray = getattr(marks, name)
    return array


def softmin(kept: Kept, temperature: float) -> np.ndarray:
    """The softmin of the scores of each image's pixels."""
    return _engine.softmin(kept.pixels.own, kept.pixels.labels, temperature)


def margins(kept: Kept, largest: np.ndarray) -> np.ndarray:
    """The score of each image by the method `margin`."""
    return _engine.margins(kept.pixels.own, largest, kept.pixels.predicted, kept.pixels.labels)


def image_table(marks: _engine.Marks, first: int) -> Any:
    """The images of a block with their scores; the number of the first is given."""
    import pandas

    images = np.arange(first, first + len(marks.counts))
    columns = {"image": images, "score": marks.image_scores, "num_pixel_issues": marks.counts}
    return pandas.DataFrame(columns, index=images)


def region_table(
    marks: _engine.Marks | None, kept: Kept, largest: np.ndarray, first: int, dtypes: Mapping[str, str]
) -> Any:
    """The regions of a block's label issues, or of all that disagrees; the number of its first image is given.

    Parameters
    ----------
    dtypes : Mapping[str, str]
        Those of the columns, of which the float64 ones come in a table of their own.
    """
    import pandas

    own, predicted, labels = kept.pixels
    found = _engine.regions(own, largest, predicted, labels, None if marks is None else marks.mask, first)
    whole = [name for name, dtype in dtypes.items() if dtype != "float64"]
    columns = dict(zip(whole, found.whole_numbers.T))
    columns.update(zip((name for name in dtypes if name not in columns), found.numbers.T))
    return pandas.DataFrame({name: columns[name] for name in dtypes}).astype(dict(dtypes))


def marked_pairs(marks: _engine.Marks, kept: Kept, classes: int) -> Pairs:
    """Counts the label issues of a block by their label and their most probable class."""
    return counted_pairs(kept.pixels.labels[marks.mask], kept.pixels.predicted[marks.mask], classes)


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


def statistics(first: First, count: int, cut: Cut | None, downsample: int) -> dict[str, Any]:
    """The numbers that decided."""
    return statistics_of(first.totals, count, cut, downsample)
