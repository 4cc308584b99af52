"""The functions of `cleanlab.segmentation`, for lazy arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dask.array as da
import numpy as np
from dask.base import tokenize

from .._labels import IgnoredLabels, LabelMap
from .._types import score_type
from . import _tasks
from ._graphs import Blocks, Recipe, Step, Tasks, added, blocks_of, numbers_of, together
from ._inputs import aligned, check, check_counts, opened
from ._reducing import DEFAULT_SPLIT_EVERY, reduce
from ._summary import pair_table


def find_label_issues(
    labels: Any,
    pred_probs: Any,
    *,
    downsample: int = 1,
    ignore_label: IgnoredLabels = None,
    label_map: LabelMap = None,
    label_offset: int | None = None,
    reduce_zero_label: bool = False,
    split_every: int = DEFAULT_SPLIT_EVERY,
) -> Any:
    """Finds label issues by confident learning over the whole data set, lazily.

    They are those of `segscore.segmentation.filter.find_label_issues`, to the bit.

    Parameters
    ----------
    labels, pred_probs, downsample, ignore_label, label_map, label_offset, reduce_zero_label, split_every
        Those of `reduce`.

    Returns
    -------
    dask.array.Array
        A mask, bool (N, H, W), True at a label issue; a `DataArray` with the dimensions and coordinates of labels if
        these are one, and a list of masks if labels are a list.

    Raises
    ------
    TypeError, ValueError
        As `reduce` has it.
    """
    reduction = reduce(
        labels,
        pred_probs,
        ignore_label=ignore_label,
        label_map=label_map,
        label_offset=label_offset,
        reduce_zero_label=reduce_zero_label,
        downsample=downsample,
        split_every=split_every,
    )
    return reduction.find_label_issues()


def get_label_quality_scores(
    labels: Any,
    pred_probs: Any,
    *,
    method: str = "softmin",
    temperature: float | None = None,
    downsample: int = 1,
    ignore_label: IgnoredLabels = None,
    label_map: LabelMap = None,
    label_offset: int | None = None,
    reduce_zero_label: bool = False,
    split_every: int = DEFAULT_SPLIT_EVERY,
) -> tuple[Any, Any]:
    """Scores every image and every pixel of a data set, lazily.

    The scores are those of `segscore.segmentation.rank.get_label_quality_scores`, to the bit.

    Parameters
    ----------
    labels, pred_probs
        Those of `reduce`.
    method, temperature
        Those of `Reduction.get_label_quality_scores`.
    downsample, ignore_label, label_map, label_offset, reduce_zero_label, split_every
        Those of `reduce`. `downsample` has no effect on `softmin`.

    Returns
    -------
    tuple[dask.array.Array, dask.array.Array]
        The image scores, float64 (N,), and the pixel scores, (N, H, W). Low is suspect. Pixel scores are of the types
        that cleanlab gives them: float64 for `softmin`, the type of `pred_probs` for `num_pixel_issues` (64 bits for
        integers). Each is a `DataArray` if labels are one, and a list if labels are a list.

    Raises
    ------
    TypeError, ValueError
        As `reduce` has it, and where the method is not known or the temperature not above 0.
    """
    reduction = reduce(
        labels,
        pred_probs,
        ignore_label=ignore_label,
        label_map=label_map,
        label_offset=label_offset,
        reduce_zero_label=reduce_zero_label,
        downsample=1 if method == "softmin" else downsample,
        split_every=split_every,
    )
    images, pixels = reduction.get_label_quality_scores(method=method, temperature=temperature)

    def typed(scores: Any, predictions: Any) -> Any:
        return scores.astype(np.float64 if method == "softmin" else score_type(np.dtype(predictions.dtype)))

    if isinstance(pixels, list):
        return images, list(map(typed, pixels, pred_probs))
    return images, typed(pixels, pred_probs)


def common_label_issues(
    issues: Any,
    labels: Any,
    pred_probs: Any,
    *,
    class_names: Sequence[str] | None = None,
    exclude: Sequence[int] | None = None,
    top: int | None = None,
    split_every: int = DEFAULT_SPLIT_EVERY,
) -> Any:
    """Counts issues by their label and by the class that is most probable there, lazily.

    This reads `pred_probs` once more than `find_label_issues` does; `Reduction.common_label_issues` does not.

    Parameters
    ----------
    issues : array_like
        A mask, bool (N, H, W), as of `find_label_issues`, or a list of such.
    labels : array_like
        The given classes, (N, H, W), or a list of such.
    pred_probs : array_like
        The model's probabilities, (N, K, H, W), or a list of such.
    class_names, exclude, top
        Those of `Reduction.common_label_issues`.
    split_every : int
        How many results of blocks a task merges.

    Returns
    -------
    dask.dataframe.DataFrame
        The table of `segscore.segmentation.summary.common_label_issues`, in one partition.

    Raises
    ------
    TypeError
        Something is no array.
    ValueError
        The arrays do not fit together.
    """
    if not any(isinstance(given, (list, tuple)) for given in (issues, labels, pred_probs)):
        issues, labels, pred_probs = [issues], [labels], [pred_probs]
    check_counts(labels, issues, "issues")
    check_counts(labels, pred_probs, "pred_probs")
    rows = [_opened(*arrays) for arrays in zip(issues, labels, pred_probs)]
    classes = {predictions.shape[1] for _, _, predictions in rows}
    if len(classes) > 1:
        raise ValueError(f"pred_probs must have as many classes for each image, not {sorted(classes)}")
    arrays = [array for row in rows for array in row]
    name = f"segscore-pairs-{tokenize([array.name for array in arrays])}"
    blocks = [(index, block) for index, row in enumerate(rows) for block in numbers_of(row[0].chunks[0])]
    layer = Recipe(_given_pairs, name, [tuple(map(blocks_of, row)) for row in rows], blocks)
    graph = added(together(arrays), name, layer, [array.name for array in arrays])
    keys = [(name, *place) for place in blocks]
    return pair_table(graph, name, keys, classes.pop(), split_every, class_names=class_names, exclude=exclude, top=top)


def _given_pairs(name: str, rows: Sequence[tuple[Blocks, ...]], blocks: Sequence[tuple[int, int]]) -> Tasks:
    tasks: Tasks = {}
    for index, block in blocks:
        key = (name, index, block)
        tasks[key] = Step(key, _tasks.given_pairs, *(array[block] for array in rows[index]))
    return tasks


def _opened(issues: Any, labels: Any, predictions: Any) -> tuple[da.Array, da.Array, da.Array]:
    """The arrays in blocks of the same whole images.

    Raises
    ------
    ValueError
        They do not fit together.
    """
    issues, labels, predictions = opened(issues, "issues"), opened(labels, "labels"), opened(predictions, "pred_probs")
    if labels.ndim == predictions.ndim:
        raise ValueError(f"labels must be of shape (N, H, W), not {labels.shape}")
    check(labels, predictions, "pred_probs", None, False)
    if issues.shape != labels.shape:
        raise ValueError(f"issues must be of labels' shape, {labels.shape}, not {issues.shape}")
    predictions, labels, issues = aligned(predictions, labels, issues)
    return issues, labels, predictions
