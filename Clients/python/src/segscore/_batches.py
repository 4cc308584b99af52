"""Cuts a data set into the batches that are sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ._masks import Mask, Masks, is_file, is_image, opened_masks
from ._parts import Part, Stacked, chunk_of, is_stored, loaded, part_of
from ._tensors import Tensor
from ._types import label_type, probability_type

if TYPE_CHECKING:
    from ._pictures import Picture


class Batch(NamedTuple):
    """Some images of one size."""

    labels: Part
    predictions: Part
    #: What the predictions are called, `pred_probs`, `logits` or `own`.
    name: str = "pred_probs"
    #: What stands beside `own`: `largest` and `predicted`.
    others: tuple[tuple[str, Part], ...] = ()
    #: Whether the first axis counts images; else they are the arrays of one image.
    has_images: bool = True
    #: The pictures of the images, or none.
    pictures: tuple[Picture, ...] = ()
    #: Parameters that are too long for a query, with their values.
    texts: tuple[tuple[str, str], ...] = ()

    @property
    def images(self) -> int:
        return self.labels.shape[0] if self.has_images else 1

    @property
    def classes(self) -> int:
        """K."""
        return self.predictions.shape[1 if self.has_images else 0]


class BatchSource:
    """A whole data set's labels, and probabilities or logits, in anything that is taken, cut into batches.

    - Two arrays, (N, H, W) and (N, K, H, W): NumPy's, in memory or mapped, stored ones as of zarr and h5py, or those of
      any library with the array API standard, DLPack or `__array__`. Or those of one image, (H, W) and (K, H, W). In
      place of (H, W) there may be any axes, as (D, H, W) of volumes.
    - Two lists with an array for each image, (H, W) and (K, H, W). Sizes may differ. Labels may be paths of PNG files,
      which are sent as they are, or images of Pillow. Both may be paths of NumPy's files, NIfTI and GeoTIFF.
    - Anything else that can be iterated over, with images or with batches of images. They are sent as they come.

    Images that are added to a job one call after the other are a `Dataset`.

    Parameters
    ----------
    is_resized : bool
        See `check_shapes`.

    Attributes
    ----------
    images : int | None
        How many images there are, if that is known.
    is_lazy
        Whether that is not known, and nothing should be taken from the data ahead of time.

    Raises
    ------
    ValueError
        Labels and probabilities do not fit together, or there are no images.
    """

    def __init__(
        self, labels: Any, predictions: Any, batch_bytes: int, name: str = "pred_probs", is_resized: bool = False
    ):
        self._labels = labels if _is_listed(labels) else _opened(labels, "labels")
        self._predictions = predictions if _is_listed(predictions) else _opened(predictions, name)
        self._batch_bytes = batch_bytes
        self._name = name
        self._is_resized = is_resized
        self._is_whole = _is_array(self._labels) and _is_array(self._predictions)
        is_known = _is_listed(labels) and (
            _is_listed(predictions) or isinstance(self._predictions, (np.ndarray, Tensor))
        )
        self.is_lazy = not self._is_whole and not is_known
        self.images: int | None = None if self.is_lazy else count_of(self._labels)
        self._is_single = self._is_whole and not has_images(self._labels, self._predictions)
        if self._is_whole:
            check_shapes(self._labels, self._predictions, name, images=not self._is_single, is_resized=is_resized)
        if self._is_single:
            self.images = 1
        if self.images == 0:
            raise ValueError("There are no images.")

    def batches(self) -> Iterator[Batch]:
        """The batches, in order."""
        if self._is_single:
            yield single(self._labels, self._predictions, self._name)
        elif self._is_whole:
            yield from slices(self._labels, self._predictions, self._batch_bytes, self._name)
        elif self.is_lazy:
            for labels, predictions in self._pairs():
                yield from batches_of(labels, predictions, self._name, self._batch_bytes, self._is_resized)
        else:
            yield from self._runs()

    def _runs(self) -> Iterator[Batch]:
        """Cuts lists of images into runs of the same size and type."""
        run: list[tuple[Any, Any]] = []
        size = 0
        for pair in self._pairs():
            pair = _of_one_image(*pair)
            check_shapes(*pair, self._name, images=False, is_resized=self._is_resized)
            added = _sent_bytes(*pair)
            if run and (size + added > self._batch_bytes or kind_of(pair) != kind_of(run[0])):
                yield _stacked(run, self._name)
                run, size = [], 0
            run.append(pair)
            size += added
        yield _stacked(run, self._name)

    def _pairs(self) -> Iterator[tuple[Any, Any]]:
        for labels, predictions in zip_longest(_items(self._labels), _items(self._predictions)):
            if labels is None or predictions is None:
                raise ValueError(f"labels and {self._name} must have as many images as each other")
            yield loaded_labels(labels), loaded(predictions, self._name)


def one_of(pred_probs: Any, logits: Any) -> tuple[Any, str]:
    """The predictions of which there may be two kinds, and what they are called.

    Raises
    ------
    TypeError
        There are none, or both.
    """
    if (pred_probs is None) == (logits is None):
        raise TypeError("either pred_probs or logits are scored")
    return (pred_probs, "pred_probs") if logits is None else (logits, "logits")


def batches_of(labels: Any, predictions: Any, name: str, batch_bytes: int, is_resized: bool = False) -> Iterator[Batch]:
    """Cuts one image, (H, W) and (K, H, W), or several, (N, H, W) and (N, K, H, W), into one batch or more."""
    labels, predictions = loaded_labels(labels), loaded(predictions, name)
    is_single = not has_images(labels, predictions)
    check_shapes(labels, predictions, name, images=not is_single, is_resized=is_resized)
    if is_single:
        yield _stacked([(labels, predictions)], name)
    elif isinstance(labels, Masks):
        run = range(labels.shape[0])
        yield Batch(labels, part_of(predictions, run, name, _types(labels, predictions)[1]), name)
    else:
        yield from slices(labels, predictions, batch_bytes, name)


def single(labels: Any, predictions: Any, name: str) -> Batch:
    """The batch of one image, in the shape in which it is there."""
    label, probability = _types(labels, predictions)
    return Batch(
        part_of(labels, range(count_of(labels)), "labels", label),
        part_of(predictions, range(count_of(predictions)), name, probability),
        name,
        has_images=False,
    )


def has_images(labels: Any, predictions: Any) -> bool:
    """Whether the first axis of two arrays counts images, by their shapes, as the server reads them.

    Of shapes that do not fit together it says what they would have to be.
    """
    given, predicted = tuple(labels.shape), tuple(predictions.shape)
    if given == predicted:
        return len(given) > 3
    prefers = len(given) > 2
    fitting = [
        images
        for images in (prefers, not prefers)
        if len(predicted) >= 2 + images and given == predicted[:images] + predicted[images + 1 :]
    ]
    return fitting[0] if fitting else prefers


def loaded_labels(labels: Any) -> Any:
    """Labels as masks, if they are PNG files, or else as an array; see `loaded`."""
    labels = opened_masks(labels)
    return labels if isinstance(labels, (Mask, Masks)) else loaded(labels, "labels")


def slices(labels: Any, predictions: Any, batch_bytes: int, name: str = "pred_probs") -> Iterator[Batch]:
    """Cuts two arrays into runs of images, which begin where chunks do, so that no chunk is read twice."""
    images = count_of(labels)
    count = images_at_once((labels, predictions), images, _sent_bytes(labels, predictions), batch_bytes)
    label, probability = _types(labels, predictions)
    for start in range(0, images, count):
        run = range(start, min(start + count, images))
        yield Batch(part_of(labels, run, "labels", label), part_of(predictions, run, name, probability), name)


def images_at_once(arrays: Iterable[Any], images: int, size: int, batch_bytes: int) -> int:
    """How many images of some arrays go into a batch, whole chunks of them if chunks are smaller.

    Parameters
    ----------
    size : int
        How many bytes are sent of all images.
    """
    count = max(batch_bytes // max(size // max(images, 1), 1), 1)
    depth = max(chunk_of(array, 0) if is_stored(array) else 1 for array in arrays)
    return count - count % depth if count > depth else count


def check_shapes(
    labels: Any, predictions: Any, name: str = "pred_probs", images: bool = True, is_resized: bool = False
) -> None:
    """Refuses shapes that the server would refuse, before anything is sent.

    Parameters
    ----------
    images : bool
        Whether the first axis counts images.
    is_resized : bool
        Whether the server brings predictions to the pixels of the labels, and alone knows what fits.

    Raises
    ------
    ValueError
        The shapes do not fit together. cleanlab raises it for the same arrays.
    """
    first = "N, " if images else ""
    given, predicted = tuple(labels.shape), tuple(predictions.shape)
    if given == predicted and len(given) >= 2 + images:  # Labels are one-hot.
        return
    if len(given) < 1 + images:
        raise ValueError(f"labels must be of shape ({first}H, W), not {given}")
    if len(predicted) != len(given) + 1:
        raise ValueError(
            f"{name} must be of shape ({first}K, H, W), not {predicted}, if labels {given} are ({first}H, W)"
        )
    if is_resized and given[:images] == predicted[:images]:
        return
    if given != predicted[:images] + predicted[images + 1 :]:
        raise ValueError(f"labels {given} and {name} {predicted} must agree in {first}H and W")


def _of_one_image(labels: Any, predictions: Any) -> tuple[Any, Any]:
    """The arrays of one image, without an axis of images if they have one, as what a model gave for a batch of one."""
    if isinstance(predictions, np.ndarray) and predictions.ndim == 4 and len(predictions) == 1:
        predictions = predictions[0]
    is_one_hot = _are_one_hot(labels, predictions, 3)
    if isinstance(labels, np.ndarray) and labels.ndim == 3 and len(labels) == 1 and not is_one_hot:
        labels = labels[0]
    return labels, predictions


def _are_one_hot(labels: Any, predictions: Any, rank: int) -> bool:
    """Whether labels have an axis of classes, as predictions of this many dimensions do."""
    return len(labels.shape) == rank and tuple(labels.shape) == tuple(predictions.shape)


def count_of(data: Any) -> int:
    """How many images there are in an array or a list; zarr's arrays have no length."""
    return int(data.shape[0]) if hasattr(data, "shape") else len(data)


def _items(data: Any) -> Iterable[Any]:
    return (data[image] for image in range(count_of(data))) if is_stored(data) else data


def _opened(data: Any, name: str) -> Any:
    if is_file(data) or (name == "labels" and is_image(data)):
        raise TypeError(f"a file or image is the {name} of one image: put it in a list, [{data!r}]")
    if is_stored(data) or any(hasattr(data, name) for name in ("shape", "__array__", "__dlpack__")):
        return loaded(data, name)
    if not isinstance(data, Iterable):
        raise TypeError(f"labels and pred_probs are arrays or can be iterated over; {type(data).__name__} is neither")
    return data


def _is_listed(data: Any) -> bool:
    return isinstance(data, (list, tuple))


def _is_array(data: Any) -> bool:
    return isinstance(data, np.ndarray) or is_stored(data)


def _types(labels: Any, predictions: Any) -> tuple[np.dtype[Any], np.dtype[Any]]:
    """The types in which labels and probabilities are sent."""
    return label_type(np.dtype(labels.dtype)), probability_type(np.dtype(predictions.dtype))


def _sent_bytes(*pair: Any) -> int:
    return sum(int(np.prod(array.shape, dtype=np.int64)) * dtype.itemsize for array, dtype in zip(pair, _types(*pair)))


def kind_of(image: tuple[Any, ...]) -> tuple[Any, ...]:
    """What the arrays of two images have to have in common for these to be in one batch."""
    return tuple((tuple(array.shape), np.dtype(array.dtype), isinstance(array, Mask)) for array in image)


def _stacked(pairs: list[tuple[Any, Any]], name: str) -> Batch:
    label, probability = _types(*pairs[0])
    labels = [labels for labels, _ in pairs]
    return Batch(
        Masks(labels) if isinstance(labels[0], Mask) else Stacked(labels, "labels", label),
        Stacked([predictions for _, predictions in pairs], name, probability),
        name,
    )
