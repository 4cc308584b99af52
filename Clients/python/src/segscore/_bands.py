"""Batches without the probabilities that softmin does not need.

Softmin looks at the probability of each pixel's own label alone. So of each image, cut into bands of rows, only those
classes are sent that are labels in the band.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from ._batches import Batch
from ._mapped import MappedFile
from ._parts import PIECE, Part, Stacked, Whole, bytes_of, pieces_of, size_of

SMALLEST = 32 << 10  # Bytes of one class in one band. To handle smaller pieces costs more than it saves.
WORTH = 0.75  # If more than this share of the bytes is needed, all are sent, since little is saved.


class Bands:
    """The probabilities of the classes that are labels in each band, as one array to be sent, (M, R, W).

    Bands come image by image and from top to bottom, the classes of a band in ascending order.

    Parameters
    ----------
    images : Sequence[np.ndarray]
        The probabilities of each image, (K, H, W).
    present : Sequence[np.ndarray]
        For each image, which classes are labels in each of its bands; bool (B, K), with B bands of H / B rows.
    dtype : np.dtype[Any]
        The type in which the probabilities are sent.
    """

    fortran_order = False

    def __init__(self, images: Sequence[np.ndarray], present: Sequence[np.ndarray], dtype: np.dtype[Any]):
        self._images = images
        self._present = present
        self._rows = images[0].shape[1] // len(present[0])
        self.shape = (sum(int(each.sum()) for each in present), self._rows, images[0].shape[2])
        self.dtype = dtype

    def pieces(self) -> Iterator[list[memoryview]]:
        for image, present in zip(self._images, self._present):
            is_view = image.flags.c_contiguous and image.dtype == self.dtype
            file = MappedFile.behind(image) if image.flags.c_contiguous else None
            pieces = self._views(image, present) if is_view else self._copies(image, present)
            size = self._rows * self.shape[2] * self.dtype.itemsize
            while together := list(islice(pieces, max(PIECE // size, 1))):
                yield together
                if file is not None:
                    # All of the image is given back: its pieces lie apart, and the system maps pages around each.
                    file.forget(bytes_of(image))

    def _views(self, image: np.ndarray, present: np.ndarray) -> Iterator[memoryview]:
        data = bytes_of(image)
        row = image.shape[2] * image.itemsize
        for band, index in np.argwhere(present).tolist():
            start = (index * image.shape[1] + band * self._rows) * row
            yield data[start : start + self._rows * row]

    def _copies(self, image: np.ndarray, present: np.ndarray) -> Iterator[memoryview]:
        for band, index in np.argwhere(present).tolist():
            yield from pieces_of(image[index, band * self._rows : (band + 1) * self._rows], self.dtype)


def banded(batch: Batch, ignored: Sequence[int]) -> Batch:
    """The batch without the probabilities that `softmin` does not need.

    The batch is returned as it is if little could be left out, if it is neither in memory nor mapped, and if it has a
    label that is no class, so that the server refuses it as it would any other.
    """
    labels, pred_probs = _images_of(batch.labels), _images_of(batch.predictions)
    if (
        not batch.has_images
        or not labels
        or not pred_probs
        or labels[0].ndim != 2
        or labels[0].dtype.kind not in "biu"
        or pred_probs[0].size == 0
    ):
        return batch
    classes, height, width = pred_probs[0].shape
    rows = _rows(height, width * batch.predictions.dtype.itemsize)
    present: list[np.ndarray] = []
    for image in labels:
        found = _classes_of(image, rows, classes, ignored)
        if found is None:
            return batch
        present.append(found)
    bands = Bands(pred_probs, present, batch.predictions.dtype)
    if size_of(bands) > WORTH * size_of(batch.predictions):
        return batch
    return Batch(batch.labels, bands)


def _images_of(part: Part) -> Sequence[np.ndarray]:
    """The images of a part that is in memory or mapped; none if its bytes do not lie image by image."""
    arrays: np.ndarray | Sequence[np.ndarray] = ()
    if isinstance(part, Whole) and not part.fortran_order:
        arrays = part.array
    elif isinstance(part, Stacked) and all(isinstance(each, np.ndarray) for each in part.arrays):
        arrays = part.arrays
    return list(arrays)


def _rows(height: int, row_bytes: int) -> int:
    """How many rows a band has: the fewest that divide the height and make its pieces large enough."""
    enough = -(-SMALLEST // max(row_bytes, 1))
    return next((rows for rows in range(enough, height) if height % rows == 0), height)


def _classes_of(labels: np.ndarray, rows: int, classes: int, ignored: Sequence[int]) -> np.ndarray | None:
    """Which classes are labels in each band of an image, bool (B, K).

    Returns
    -------
    np.ndarray | None
        None if a label is no class, or if labels change so often that hardly a class could be left out.
    """
    # Most labels are those of the pixel before, so that it is enough to look at the places where they change.
    flat = labels.reshape(-1)
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    if len(changes) > len(flat) // 8:
        return None
    size = rows * labels.shape[1]
    places = np.concatenate([np.arange(0, len(flat), size), changes])
    there = flat[places]
    kept = np.ones(len(there), bool)
    for label in ignored:
        kept &= there != label
    there, places = there[kept], places[kept]
    if len(there) > 0 and not (0 <= there.min() and there.max() < classes):
        return None
    present = np.zeros((labels.shape[0] // rows, classes), bool)
    present[places // size, there.astype(np.intp)] = True
    file = MappedFile.behind(labels)
    if file is not None:
        file.forget(bytes_of(flat))
    return present
