"""The engine in this process: functions of a block, which is some images of a data set, from the library of the wheel.

Each depends on its arguments alone, so that an engine such as Dask may call it anywhere, and again if a machine is
lost. Put together over all blocks, as `_rounds` says, they find what the server finds in all images at once, to the
bit. They let other threads of Python run meanwhile.
"""

from __future__ import annotations

import ctypes
import json
import os
import threading
import weakref
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from segscore_program import find_program

from ._transport import query_of
from ._types import BFLOAT16, converted, label_type, probability_type
from .errors import error_of

NAME = "libsegscoreblocks.so"


class EngineUnavailableError(ImportError):
    """There is no library here that scores blocks in this process."""


class Marks(NamedTuple):
    """The label issues of a block.

    Attributes
    ----------
    mask : np.ndarray
        The pixels, bool in the shape of labels.
    counts : np.ndarray
        How many pixels of each image these are, int64 (n,).
    image_scores : np.ndarray
        The share of each image's pixels that take part and are none of these, float64 (n,).
    """

    mask: np.ndarray
    counts: np.ndarray
    image_scores: np.ndarray


class Regions(NamedTuple):
    """The regions of a block, a row for each.

    Attributes
    ----------
    whole_numbers : np.ndarray
        int64 (R, 10): image, label, suggested class, x, y, width, height, area, thickness and whether it touches the
        border; of volumes, the place of the slice on further columns.
    numbers : np.ndarray
        float64 (R, 3): the mean probability of the label, that of the suggested class, and the mass.
    """

    whole_numbers: np.ndarray
    numbers: np.ndarray


def reduce(labels: np.ndarray, predictions: np.ndarray, name: str, query: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Reduces a block's predictions to what is needed to decide about its pixels together with other blocks.

    Parameters
    ----------
    labels : np.ndarray
        (n, H, W), or one-hot (n, K, H, W); any axes in place of (H, W).
    predictions : np.ndarray
        (n, K, H, W), or as `query` says.
    name : str
        What the predictions are: `pred_probs` or `logits`.
    query : Mapping[str, Any]
        The parameters of `POST /reduce`, and `downsample`.

    Returns
    -------
    dict[str, np.ndarray]
        `own`, `largest`, `predicted` and `labels` in the shape of labels: the probability of each pixel's label, 1
        where it takes no part; the largest probability and its class; the label as a class, all ones where it takes no
        part.
        With `downsample` the same of blocks of pixels: `block_own` and so on. `class_sums` and `class_counts` (n, K):
        of each image, by label, the sum of the own probabilities, in the order of pixels, and their number.

    Raises
    ------
    SegscoreError
        The arrays or parameters make no sense: `InvalidInputError`.
    """
    arrays = {
        "labels": converted(labels, label_type(labels.dtype)),
        name: converted(predictions, probability_type(predictions.dtype)),
    }
    return _call("reduce", arrays, query).arrays


def count_confident(largest: np.ndarray, predicted: np.ndarray, labels: np.ndarray, thresholds: np.ndarray) -> int:
    """How many cells are predicted as another class than their label with that class's confident threshold, (K,)."""
    arrays = {"largest": largest, "predicted": predicted, "labels": labels, "thresholds": thresholds}
    return _call("count_confident", arrays).number


def histogram(own: np.ndarray, labels: np.ndarray, prefix: int, shift: int, width: int) -> np.ndarray:
    """Counts the cells that take part and whose score's bits begin with `prefix`, by the `width` bits from `shift` on.

    The scores, from 0 to 1, have 30 bits if they are float32 and 62 if they are float64.

    Returns
    -------
    np.ndarray
        uint64 (2 ** width,).
    """
    query = {"prefix": prefix, "shift": shift, "width": width}
    return _call("histogram", {"own": own, "labels": labels}, query).arrays["histogram"]


def count_equal(own: np.ndarray, labels: np.ndarray, score: float) -> int:
    """How many cells take part and have a score."""
    return _call("count_equal", {"own": own, "labels": labels}, {"score": score}).number


def mark(
    own: np.ndarray, labels: np.ndarray, score: float, ties: int, pixel_labels: np.ndarray, pixel_predicted: np.ndarray
) -> Marks:
    """Marks the pixels of cells below a score, and of the first at it, that are not predicted as their label.

    Parameters
    ----------
    own, labels : np.ndarray
        The cells, (n, H, W), or blocks of these pixels.
    ties : int
        How many of the block's cells with just this score count, the first by image, row and column.
    pixel_labels, pixel_predicted : np.ndarray
        The pixels, (n, H, W).
    """
    arrays = {"own": own, "labels": labels, "pixel_labels": pixel_labels, "pixel_predicted": pixel_predicted}
    return Marks(**_call("mark", arrays, {"score": score, "ties": ties}).arrays)


def softmin(own: np.ndarray, labels: np.ndarray, temperature: float) -> np.ndarray:
    """The softmin of the scores of each image's pixels, float64 (n,)."""
    return _call("softmin", {"own": own, "labels": labels}, {"temperature": temperature}).arrays["image_scores"]


def margins(own: np.ndarray, largest: np.ndarray, predicted: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The score of each image by the method `margin`, float64 (n,)."""
    arrays = {"own": own, "largest": largest, "predicted": predicted, "labels": labels}
    return _call("margins", arrays).arrays["image_scores"]


def regions(
    own: np.ndarray,
    largest: np.ndarray,
    predicted: np.ndarray,
    labels: np.ndarray,
    mask: np.ndarray | None,
    first_image: int,
) -> Regions:
    """The regions of a block.

    Parameters
    ----------
    mask : np.ndarray | None
        The pixels that regions are made of, bool; None for all that are predicted as another class than their label.
    first_image : int
        The number of the block's first image in the data set.
    """
    arrays = {"own": own, "largest": largest, "predicted": predicted, "labels": labels}
    if mask is not None:
        arrays["mask"] = mask
    return Regions(**_call("regions", arrays, {"first": first_image}).arrays)


class _Array(ctypes.Structure):
    """An array that is lent for the time of a call: `segscore_array` of `block_functions.h`."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("type", ctypes.c_char_p),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("elements", ctypes.c_void_p),
        ("rank", ctypes.c_int32),
    )


class _Answer(NamedTuple):
    number: int
    arrays: dict[str, np.ndarray]


class _Library:
    """The library, which is loaded when it is first asked."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loaded: ctypes.CDLL | None = None

    def get(self) -> ctypes.CDLL:
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded

    @staticmethod
    def _load() -> ctypes.CDLL:
        program = find_program()
        path = None if program is None else os.path.join(os.path.dirname(os.path.abspath(program)), NAME)
        if path is None or not os.path.exists(path):
            raise EngineUnavailableError(
                f"There is no {NAME} here: the wheel for Linux on x86-64 has it, and SEGSCORE_PROGRAM may name a "
                "program beside which it lies."
            )
        library = ctypes.CDLL(path)
        library.segscore_call.restype = ctypes.c_void_p
        library.segscore_call.argtypes = (ctypes.c_char_p, ctypes.c_char_p, ctypes.POINTER(_Array), ctypes.c_ssize_t)
        library.segscore_free.restype = library.segscore_release.restype = None
        library.segscore_free.argtypes = library.segscore_release.argtypes = (ctypes.c_void_p,)
        return library


_library = _Library()


def _call(function: str, arrays: Mapping[str, np.ndarray], query: Mapping[str, Any] | None = None) -> _Answer:
    """The answer of a function of the library."""
    library = _library.get()
    lent = [_aligned(array) for array in arrays.values()]
    described = (_Array * len(lent))(*map(_described, arrays, lent))
    text = library.segscore_call(function.encode(), query_of(query).encode(), described, len(lent))
    if text is None:
        raise MemoryError("There is no memory for an answer.")
    try:
        document = json.loads(ctypes.string_at(text))
    finally:
        library.segscore_free(text)
    if "status" in document:
        raise error_of(document["status"], document)
    return _Answer(document.get("number", 0), {made["name"]: _adopted(library, made) for made in document["arrays"]})


def _aligned(array: np.ndarray) -> np.ndarray:
    """The array, or a copy of it if its elements do not lie one behind the other where the library reads them."""
    return np.require(array, array.dtype.newbyteorder("="), ["C", "A"])


def _described(name: str, array: np.ndarray) -> _Array:
    kind = "bfloat16" if array.dtype == BFLOAT16 else array.dtype.name
    shape = (ctypes.c_int64 * array.ndim)(*array.shape)
    return _Array(name.encode(), kind.encode(), shape, array.ctypes.data, array.ndim)


def _adopted(library: ctypes.CDLL, made: Mapping[str, Any]) -> np.ndarray:
    """An array of the library's, whose memory goes with the last view of it."""
    dtype, shape = np.dtype(made["type"]), tuple(made["shape"])
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if size == 0:
        library.segscore_release(made["owner"])
        return np.empty(shape, dtype)
    memory = (ctypes.c_ubyte * size).from_address(made["address"])
    weakref.finalize(memory, library.segscore_release, made["owner"]).atexit = False
    return np.frombuffer(memory, dtype).reshape(shape)
