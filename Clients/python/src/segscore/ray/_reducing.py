"""Reduces predictions, of a column or of a model, row by row."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import ray.data

from .._batches import one_of
from .._labels import IgnoredLabels, LabelMap
from .._reading_query import reading_query
from ._reading import Model, Reading, modelled
from ._reduction import Reduction

DEFAULT_BATCH_SIZE = 4
"""How many images a model predicts at a time: their predictions are many times as large as they are."""


def reduce(
    dataset: ray.data.Dataset,
    *,
    labels: str = "labels",
    pred_probs: str | None = None,
    logits: str | None = None,
    image_id: str | None = None,
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
    batch_size: int | None = None,
) -> Reduction:
    """Reduces the predictions of a data set to what scores need of them, lazily.

    Parameters
    ----------
    dataset : ray.data.Dataset
        A row for each image. Other columns are kept, so those that are not needed, such as pictures, should be dropped
        before. None may be called `label_issues`, `score` or `num_pixel_issues`. Where several pixels have the score at
        the cut, those of the first rows count: the order is that which the data set has with the option
        `preserve_order` of `ray.data.DataContext`. It is set here, and where files are read, it should be set before
        `ray.data.read_…` too.
    labels : str
        The column of the given classes, integers (H, W), or one-hot (K, H, W). In place of (H, W) there may be any
        axes, as (D, H, W) of volumes.
    pred_probs : str | None
        The column of the model's probabilities, (K, H, W), by default `"pred_probs"`. It is not kept.
    logits : str | None
        The column of the model's outputs ahead of the softmax, in place of `pred_probs`.
    image_id : str | None
        The column by whose values messages call an image with arrays that make no sense.
    ignore_label, label_map, label_offset, reduce_zero_label
        What labels stand for, as `segscore.Client.score` has it.
    activation, normalize, classes, layout, resize, align_corners, valid
        How predictions are read, as `segscore.Client.score` has it.
    downsample : int
        The extent of the blocks of pixels that label issues are looked for in, which must divide H and W.
    batch_size : int | None
        How many rows are looked at at a time, by default a block of the data set. It changes nothing in what is found.

    Raises
    ------
    TypeError
        There are both `pred_probs` and `logits`, or a label or a class is no whole number.
    """
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
    reading = _reading(labels, pred_probs, logits, image_id, query)
    rows = dataset.map_batches(reading.of_table, batch_format="pyarrow", batch_size=batch_size)
    return Reduction(rows, downsample)


def reduce_with(
    model: Any,
    dataset: ray.data.Dataset,
    *,
    labels: str = "labels",
    pred_probs: str | None = None,
    logits: str | None = None,
    image_id: str | None = None,
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
    batch_size: int | None = DEFAULT_BATCH_SIZE,
    fn_constructor_args: Iterable[Any] = (),
    fn_constructor_kwargs: Mapping[str, Any] | None = None,
    **options: Any,
) -> Reduction:
    """Predicts rows by a model and reduces what it predicts, lazily.

    It finds what `reduce(dataset.map_batches(model, …))` does. Here the same task does both, so that predictions, which
    are the largest arrays by far, never lie in Ray's object store, and may be tensors on the model's device.

    Parameters
    ----------
    model : Callable[[dict[str, np.ndarray]], dict[str, array_like]] | type
        What `Dataset.map_batches` takes with `batch_format="numpy"`: a function of a batch of rows, or a class with
        such a `__call__`, of which each of Ray's actors makes one. It returns columns, labels and predictions among
        them; these are (n, K, H, W), or a list of (K, H, W) of several sizes. What else it returns is kept with what
        is reduced, so it should leave out pictures. It may be called again for the same rows, where a worker has died.
    dataset : ray.data.Dataset
        What the model is called with.
    labels, pred_probs, logits, image_id
        Columns of what the model returns; see `reduce`.
    ignore_label, label_map, label_offset, reduce_zero_label
        What labels stand for, as `segscore.Client.score` has it.
    activation, normalize, classes, layout, resize, align_corners, valid
        How predictions are read, as `segscore.Client.score` has it.
    downsample : int
        That of `reduce`.
    batch_size : int | None
        How many rows the model is called with at a time; None for a block of the data set.
    fn_constructor_args, fn_constructor_kwargs
        What the class is called with.
    **options
        Others of `Dataset.map_batches`: `concurrency`, `num_gpus`, `fn_kwargs` and so on.

    Raises
    ------
    TypeError
        The model cannot be called, there are both `pred_probs` and `logits`, or a label or a class is no whole number.
    """
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
    reading = _reading(labels, pred_probs, logits, image_id, query)
    if isinstance(model, type):
        function: Any = Model
        options["fn_constructor_args"] = reading, model, tuple(fn_constructor_args), dict(fn_constructor_kwargs or {})
    elif callable(model):
        function = functools.partial(modelled, reading=reading, model=model)
    else:
        raise TypeError(f"model must be a function of a batch of rows or a class, not {type(model).__name__}")
    rows = dataset.map_batches(function, batch_format="numpy", batch_size=batch_size, **options)
    return Reduction(rows, downsample)


def _reading(
    labels: str, pred_probs: str | None, logits: str | None, image_id: str | None, query: dict[str, Any]
) -> Reading:
    """Which columns are read, and how."""
    if pred_probs is None and logits is None:
        pred_probs = "pred_probs"
    predictions, name = one_of(pred_probs, logits)
    return Reading(labels, predictions, name, query, image_id)
