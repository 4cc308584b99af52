"""Batches of predictions, reduced where they lie: on a device, such as a GPU, before a byte of them leaves it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from ._batches import Batch
from ._labels import LabelRule
from ._mapped import MappedFile
from ._masks import Masks
from ._parts import Part, Stacked, Stored, Whole, bytes_of
from ._reduce import Function, is_reducible, reduced
from ._sampling import are_resized
from ._tensors import Tensor, in_memory
from ._types import converted, reckonable


class Reducer:
    """Reduces batches to the arrays `own`, `largest` and `predicted`, which the server takes in place of predictions.

    Parameters
    ----------
    wanted : Mapping[str, Any]
        The parameters of the job.
    rule : LabelRule
        What labels stand for.
    only_own : bool
        Whether only `own` is wanted.
    everywhere : bool
        Whether probabilities in this process's memory are reduced too. Of these the scores are the same to the bit;
        logits stay as they are, since NumPy's exponentials are not the server's.
    """

    def __init__(self, wanted: Mapping[str, Any], rule: LabelRule, only_own: bool = False, everywhere: bool = False):
        self._activation, self._normalize = wanted.get("activation"), wanted.get("normalize")
        self._classes = wanted.get("classes")
        self._rule = rule
        self._only_own = only_own
        self._everywhere = everywhere
        # Blocks need every probability, and what is resized is mostly smaller than what it would be reduced to.
        self._is_possible = rule.is_known and wanted.get("downsample") in (None, 1) and not are_resized(wanted)
        self._reduces_all = False

    def begin(self, batch: Batch, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Decides by the first batch of a job whether all are reduced, and returns the job's parameters.

        Of what has been reduced the server has to be told K, and that there is nothing left to be done by it.
        """
        function = self._function_of(batch)
        if function is None or self._classes not in (None, _class_count(batch)):
            return dict(wanted)
        self._reduces_all = True
        self._classes = _class_count(batch)
        return {**wanted, "classes": self._classes, "activation": None, "normalize": None}

    def lighter(self, batch: Batch) -> Batch:
        """The batch reduced; as it is if that is not possible, or if the server would not know K.

        Raises
        ------
        ValueError
            The predictions have values that the server would refuse.
        """
        if self._reduces_all:
            function = Function.of(batch.name, self._activation, self._normalize, batch.predictions.shape[1])
        elif self._classes is None or self._activation is not None or self._normalize is not None:
            return batch
        else:
            function = self._function_of(batch)
        if function is None or self._classes != _class_count(batch):
            return batch  # The server tells what is wrong, if anything is.
        return self._reduced(batch, function)

    def _function_of(self, batch: Batch) -> Function | None:
        """What turns a batch into probabilities; None if it is not reduced where it lies."""
        if not batch.has_images:
            return None  # The classes of one image are on the first axis.
        tensors = _tensors_of(batch.predictions)
        if not self._is_possible or not (tensors or self._everywhere):
            return None
        shape = batch.predictions.shape
        if batch.labels.shape != (shape[0], *shape[2:]) or 0 in shape or len(shape) < 4:
            return None  # Labels are one-hot, or of another size.
        if isinstance(batch.labels, Masks) and not all(mask.has_classes for mask in batch.labels.masks):
            return None
        function = Function.of(batch.name, self._activation, self._normalize, shape[1])
        if function is None or (not tensors and function != Function()):
            return None
        return function if not tensors or is_reducible(tensors[0], function) else None

    def _reduced(self, batch: Batch, function: Function) -> Batch:
        shape = batch.predictions.shape
        if batch.labels.shape != (shape[0], *shape[2:]):
            raise ValueError("some labels are classes and some are one-hot, where predictions lie on a device")
        labels = _labels_of(batch.labels)
        columns: dict[str, list[np.ndarray]] = {"own": [], "largest": [], "predicted": []}
        for predictions in _tensors_of(batch.predictions) or _arrays_of(batch.predictions):
            given = [self._rule.classes_of(next(labels)) for _ in range(predictions.shape[0])]
            found = reduced(predictions, np.stack(given), function, batch.name, self._only_own)
            for name, array in found._asdict().items():
                if array is not None:
                    columns[name].extend(array)
        parts = [(name, Stacked(arrays, name, arrays[0].dtype)) for name, arrays in columns.items() if arrays]
        return batch._replace(predictions=parts[0][1], name="own", others=tuple(parts[1:]))


def _class_count(batch: Batch) -> int:
    """K; one channel tells of two classes."""
    return max(batch.classes, 2)


def _tensors_of(part: Part) -> list[Any]:
    """The predictions on a device, (N, K, H, W) each; none if they lie elsewhere."""
    if isinstance(part, Stored) and isinstance(part.array, Tensor):
        return [part.array[part.images.start : part.images.stop]]
    if isinstance(part, Stacked) and all(isinstance(array, Tensor) for array in part.arrays):
        return [array.array[None, ...] for array in part.arrays]
    return []


def _arrays_of(part: Part) -> Iterator[np.ndarray]:
    """The predictions in this process's memory, (1, K, H, W) each, in the type in which they would be sent."""
    arrays: Iterable[Any] = ()
    if isinstance(part, Whole):
        arrays = part.array
    elif isinstance(part, Stored):
        arrays = (part.array[image] for image in part.images)
    elif isinstance(part, Stacked):
        arrays = part.arrays
    for array in arrays:
        image = in_memory(array, "predictions")
        yield reckonable(converted(image, part.dtype))[None]
        file = MappedFile.behind(image)
        if file is not None and image.flags.c_contiguous:
            file.forget(bytes_of(image))


def _labels_of(part: Part) -> Iterator[np.ndarray]:
    """The labels of one image after the other."""
    if isinstance(part, Masks):
        if not all(mask.has_classes for mask in part.masks):
            raise ValueError("some masks have classes and some have colours, where predictions lie on a device")
        yield from (mask.values() for mask in part.masks)
    elif isinstance(part, Whole):
        yield from map(reckonable, part.array)
    elif isinstance(part, Stored):
        yield from (reckonable(in_memory(part.array[image], "labels")) for image in part.images)
    elif isinstance(part, Stacked):
        yield from (reckonable(in_memory(array, "labels")) for array in part.arrays)
