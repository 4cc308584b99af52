"""Predictions that were reduced before: `own`, `largest` and `predicted`, and batches of them."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any, NamedTuple

import numpy as np

from ._batches import Batch, count_of, images_at_once, kind_of, loaded_labels
from ._masks import Mask, Masks
from ._parts import Part, Stacked, loaded, part_of
from ._types import label_type, probability_type


class Reduced(NamedTuple):
    """What scores need of predictions, each in the shape of labels, or lists with an (H, W) for each image.

    Of one volume it is had, and scored, with an axis of images: `labels[None]`, `pred_probs[None]`.

    They are scored by `client.score(labels, **reduced._asdict(), classes=K)`, with the same results to the bit.

    Attributes
    ----------
    own
        The probability of each pixel's label, 1 where it is ignored; float64 if predictions are, else float32.
    largest
        Each pixel's largest probability.
    predicted
        The class of the largest probability, the first of equals; uint8, or uint16 for many classes.
    """

    own: Any
    largest: Any
    predicted: Any


def given(own: Any, largest: Any, predicted: Any, *others: Any) -> dict[str, Any]:
    """Those of the arrays that are there, by their names.

    Raises
    ------
    TypeError
        There are `largest` or `predicted` without `own`, or predictions that are not reduced besides.
    """
    arrays = {"own": own, "largest": largest, "predicted": predicted}
    arrays = {name: array for name, array in arrays.items() if array is not None}
    if arrays and own is None:
        raise TypeError("largest and predicted are scored together with own")
    if arrays and any(other is not None for other in others):
        raise TypeError("either pred_probs, logits or own are scored")
    return arrays


class GivenSource:
    """A whole data set's labels, and arrays in place of predictions, cut into batches.

    All of them are arrays, (N, H, W), or (H, W) of one image, or all are lists with an (H, W) for each image. In place
    of (H, W) there may be any axes, as (D, H, W) of volumes, which then have an axis of images. Labels may be one-hot,
    and be paths of PNG files or images of Pillow, as of a `BatchSource`.

    Raises
    ------
    ValueError
        The arrays do not fit together, or there are no images.
    """

    is_lazy = False

    def __init__(self, labels: Any, arrays: Mapping[str, Any], batch_bytes: int):
        self._names = list(arrays)
        self._batch_bytes = batch_bytes
        self._are_lists = any(isinstance(array, (list, tuple)) for array in arrays.values())
        self._columns = [labels, *arrays.values()]
        if not self._are_lists:
            self._columns = [loaded_labels(labels), *(loaded(array, name) for name, array in arrays.items())]
            self._check(*self._columns)
            if count_of(self._columns[1]) == 0:
                raise ValueError("There are no images.")

    def batches(self) -> Iterator[Batch]:
        """The batches, in order."""
        if self._are_lists:
            yield from self._runs()
        elif len(self._columns[1].shape) < 3 or self._class_axis(*self._columns[:2]) == 0:
            yield self._single()
        else:
            yield from self._slices()

    def _single(self) -> Batch:
        """The arrays of one image, without an axis of images."""
        columns = self._columns
        labels, *parts = (self._part(array, range(count_of(array)), name) for name, array in self._named(columns))
        return self._batch(labels, parts)._replace(has_images=False)

    def _slices(self) -> Iterator[Batch]:
        """Cuts arrays into runs of images, which begin where chunks do."""
        images = count_of(self._columns[1])
        step = images_at_once(self._columns, images, self._size(self._columns), self._batch_bytes)
        if isinstance(self._columns[0], Masks):
            step = images
        for start in range(0, images, step):
            run = range(start, min(start + step, images))
            labels, *parts = (self._part(array, run, name) for name, array in self._named(self._columns))
            yield self._batch(labels, parts)

    def _runs(self) -> Iterator[Batch]:
        """Cuts lists of images into runs of the same size and type."""
        run: list[tuple[Any, ...]] = []
        size = 0
        for items in zip_longest(*self._columns):
            if any(item is None for item in items):
                raise ValueError(f"labels, {', '.join(self._names)} must have as many images as each other")
            labels, *arrays = items
            image = (loaded_labels(labels), *(loaded(array, name) for name, array in zip(self._names, arrays)))
            self._check(*image)
            added = self._size(image)
            if run and (size + added > self._batch_bytes or kind_of(image) != kind_of(run[0])):
                yield self._stacked(run)
                run, size = [], 0
            run.append(image)
            size += added
        if not run:
            raise ValueError("There are no images.")
        yield self._stacked(run)

    def _named(self, columns: Any) -> Iterator[tuple[str, Any]]:
        return zip(["labels", *self._names], columns)

    def _stacked(self, run: list[tuple[Any, ...]]) -> Batch:
        columns: list[Part] = []
        for name, arrays in self._named(zip(*run)):
            if isinstance(arrays[0], Mask):
                columns.append(Masks(list(arrays)))
            else:
                columns.append(Stacked(arrays, name, _type(arrays[0], name)))
        return self._batch(columns[0], columns[1:])

    def _batch(self, labels: Part, parts: list[Part]) -> Batch:
        return Batch(labels, parts[0], self._names[0], tuple(zip(self._names[1:], parts[1:])))

    def _part(self, array: Any, run: range, name: str) -> Part:
        if isinstance(array, Mask):
            return Masks([array])
        return array if isinstance(array, Masks) else part_of(array, run, name, _type(array, name))

    def _size(self, columns: Any) -> int:
        """How many bytes are sent of arrays, or of one image."""
        return sum(
            int(np.prod(array.shape, dtype=np.int64)) * _type(array, name).itemsize
            for name, array in self._named(columns)
        )

    def _check(self, labels: Any, *arrays: Any) -> None:
        """Refuses shapes that the server would refuse, before anything is sent."""
        shape, rank = tuple(labels.shape), 2 if self._are_lists else 1
        if self._class_axis(labels, arrays[0]) is not None:
            shape = tuple(arrays[0].shape)
        if len(shape) < rank:
            raise ValueError(f"labels must be of shape ({'H, W' if self._are_lists else 'N, H, W'}), not {shape}")
        for name, array in zip(self._names, arrays):
            if tuple(array.shape) != shape:
                raise ValueError(f"{name} {tuple(array.shape)} must be of the shape of labels, {shape}")

    def _class_axis(self, labels: Any, own: Any) -> int | None:
        """The axis of classes of one-hot labels, as the server reads it; None if labels are classes."""
        given, shape = tuple(labels.shape), tuple(own.shape)
        axes = (0,) if self._are_lists or len(shape) < 3 else (1, 0)
        return next((axis for axis in axes if given[:axis] + given[axis + 1 :] == shape), None)


def gathered(answers: list[bytes]) -> Reduced:
    """The arrays of several npz files, one behind the other; of images of several sizes a list."""
    found = [np.load(io.BytesIO(answer), allow_pickle=False) for answer in answers]
    is_one_size = len({file["own"].shape[1:] for file in found}) == 1

    def column(name: str) -> Any:
        arrays = [file[name] for file in found]
        return np.concatenate(arrays) if is_one_size else [image for array in arrays for image in array]

    return Reduced(column("own"), column("largest"), column("predicted"))


def _type(array: Any, name: str) -> np.dtype[Any]:
    """The type in which an array is sent."""
    dtype = np.dtype(array.dtype)
    return label_type(dtype) if name in ("labels", "predicted") else probability_type(dtype)
