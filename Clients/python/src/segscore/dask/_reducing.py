"""Reduces predictions, of an array or of a model, block by block."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import Any, Callable

import numpy as np
from dask.base import is_dask_collection

from .._batches import one_of
from .._labels import IgnoredLabels, LabelMap
from .._reading_query import reading_query
from ._inputs import check_counts, score_dtype
from ._parts import Part
from ._reading import Reading
from ._reduction import Reduction

DEFAULT_SPLIT_EVERY = 8


def reduce(
    labels: Any,
    pred_probs: Any = None,
    *,
    logits: Any = None,
    ignore_label: IgnoredLabels = None,
    label_map: LabelMap = None,
    label_offset: int | None = None,
    reduce_zero_label: bool = False,
    activation: str | None = None,
    normalize: str | None = None,
    classes: int | None = None,
    layout: str | None = None,
    resize: str | None = None,
    align_corners: bool = False,
    valid: Sequence[int] | None = None,
    downsample: int = 1,
    split_every: int = DEFAULT_SPLIT_EVERY,
) -> Reduction:
    """Reduces predictions to what scores need of them, lazily.

    Parameters
    ----------
    labels : array_like
        The given classes, integers (N, H, W), or one-hot (N, K, H, W): an array of Dask, or an `xarray.DataArray`, of
        which dimensions are taken by their order, whatever they are called. In place of (H, W) there may be any axes,
        as (D, H, W) of volumes. Or a list of such arrays, of images of several sizes, which are looked at together.
    pred_probs : array_like
        The model's probabilities, (N, K, H, W), or a list of such arrays. Blocks are of whole images: arrays with
        chunks along other axes than the first are brought into such, and labels follow the chunks of predictions.
    logits : array_like
        The model's outputs ahead of the softmax, in place of `pred_probs`.
    ignore_label, label_map, label_offset, reduce_zero_label
        What labels stand for, as `segscore.Client.score` has it.
    activation, normalize, classes, layout, resize, align_corners, valid
        How predictions are read, as `segscore.Client.score` has it.
    downsample : int
        The extent of the blocks of pixels that label issues are looked for in, which must divide H and W.
    split_every : int
        How many results of blocks a task merges. It changes nothing in what is found.

    Raises
    ------
    TypeError
        There are both or none of `pred_probs` and `logits`, or something is no array.
    ValueError
        Shapes or types do not fit together, or the sizes of chunks are not known. Values that make no sense are found
        when they are computed, and are a `segscore.InvalidInputError`. Then it is an ImportError, too, if a worker has
        no engine.
    """
    predictions, name = one_of(pred_probs, logits)
    query = reading_query(
        ignore_label,
        label_map,
        label_offset,
        reduce_zero_label,
        activation,
        normalize,
        classes,
        layout,
        resize,
        align_corners,
        valid,
        downsample,
    )
    reading = Reading(name, query, downsample)
    return _reduction(reading.arrays, labels, predictions, name, downsample, split_every)


def reduce_with(
    model: Any,
    images: Any,
    labels: Any,
    *,
    classes: int,
    output: str = "pred_probs",
    dtype: Any = np.float32,
    ignore_label: IgnoredLabels = None,
    label_map: LabelMap = None,
    label_offset: int | None = None,
    reduce_zero_label: bool = False,
    activation: str | None = None,
    normalize: str | None = None,
    layout: str | None = None,
    resize: str | None = None,
    align_corners: bool = False,
    valid: Sequence[int] | None = None,
    downsample: int = 1,
    split_every: int = DEFAULT_SPLIT_EVERY,
) -> Reduction:
    """Predicts images by a model and reduces what it predicts, lazily.

    One task does both for a block of images, so that predictions, which are the largest arrays by far, are never kept,
    moved or written.

    Parameters
    ----------
    model : Callable[[np.ndarray], array_like]
        Called with a block of images, (n, ...), returns their predictions, (n, K, H, W): an array, or a tensor on any
        device. It may be called again for the same images, where a worker has died. Or a `dask.delayed` of such a
        function, which then is made by a worker and need not be sent there.
    images : array_like
        What the model is called with, (N, ...), or a list of such arrays.
    labels : array_like
        The given classes, (N, H, W), or a list of such arrays; see `reduce`. They follow the chunks of images.
    classes : int
        K, which Dask has to know before the model is called.
    output : str
        What the model returns, `pred_probs` or `logits`.
    dtype : Any
        The type of scores: float64 if the model's predictions are, else float32.
    ignore_label, label_map, label_offset, reduce_zero_label
        What labels stand for, as `segscore.Client.score` has it.
    activation, normalize, layout, resize, align_corners, valid
        How predictions are read, as `segscore.Client.score` has it.
    downsample, split_every
        Those of `reduce`.

    Raises
    ------
    TypeError
        The model cannot be called, or something is no array.
    ValueError
        Shapes or types do not fit together, or the sizes of chunks are not known. What the model returns is looked at
        when it is computed.
    """
    if output not in ("pred_probs", "logits"):
        raise ValueError(f"output must be 'pred_probs' or 'logits', and is {output!r}")
    if not callable(model) and not is_dask_collection(model):
        raise TypeError(f"model must be a function of a block of images, not {type(model).__name__}")
    query = reading_query(
        ignore_label,
        label_map,
        label_offset,
        reduce_zero_label,
        activation,
        normalize,
        operator.index(classes),
        layout,
        resize,
        align_corners,
        valid,
        downsample,
    )
    reading = Reading(output, query, downsample)
    modelled = functools.partial(reading.modelled, model, score_dtype(np.dtype(dtype)))
    return _reduction(modelled, labels, images, "images", downsample, split_every)


def _reduction(
    part_of: Callable[[Any, Any], Part], labels: Any, others: Any, name: str, downsample: int, split_every: int
) -> Reduction:
    """The reduction of arrays, or of lists of arrays.

    Raises
    ------
    ValueError
        Only one of them is a list, or these do not fit together, or a task would merge fewer than two results.
    """
    if split_every < 2:
        raise ValueError(f"split_every must be at least 2, and is {split_every}")
    is_list = isinstance(labels, (list, tuple))
    if not is_list and not isinstance(others, (list, tuple)):
        labels, others = [labels], [others]
    check_counts(labels, others, name)
    parts = tuple(map(part_of, labels, others))
    if len({(part.dtypes["own"], part.classes) for part in parts}) > 1:
        raise ValueError(f"all arrays of {name} must have as many classes, and as wide a type")
    return Reduction(parts, is_list, downsample, split_every)
