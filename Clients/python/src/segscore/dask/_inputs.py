"""Checks arrays before anything is computed, and cuts them into blocks of whole images."""

from __future__ import annotations

import math
from typing import Any

import dask.array as da
import numpy as np

from .._batches import check_shapes
from .._types import check_type, is_bfloat16, refuse_masks
from ._frames import is_data_array


def opened(array: Any, name: str) -> da.Array:
    """An array as Dask's, of numbers, whose number of images is known.

    Parameters
    ----------
    array : array_like
        Dask's, NumPy's, or one of zarr and h5py, or a `DataArray` of such.

    Raises
    ------
    TypeError
        It is no array.
    ValueError
        Its elements are no numbers, or the sizes of its chunks are not known.
    """
    if is_data_array(array):
        array = array.data
    if not isinstance(array, da.Array):
        if not hasattr(array, "shape") or not hasattr(array, "dtype"):
            raise TypeError(f"{name} must be a dask array or an xarray.DataArray, not {type(array).__name__}")
        refuse_masks(array, name)
        array = da.from_array(array)
    lazy: da.Array = array
    refuse_masks(lazy._meta, name)
    check_type(lazy.dtype, name)
    # A type that is not NumPy's own (`isbuiltin == 2`) is one of `ml_dtypes`.
    if lazy.dtype.kind not in "biufV" and lazy.dtype.isbuiltin != 2:
        raise ValueError(f"{name} must be numbers, not {lazy.dtype}")
    if any(map(math.isnan, lazy.shape)):
        raise ValueError(f"{name} has chunks of unknown sizes: call {name}.compute_chunk_sizes() before")
    return lazy


def check(labels: da.Array, predictions: da.Array, name: str, layout: str | None, is_resized: bool) -> None:
    """Refuses shapes that do not fit together.

    Parameters
    ----------
    is_resized : bool
        Whether predictions may have another height and width than labels.

    Raises
    ------
    ValueError
        They do not fit, or there are no images.
    """
    check_shapes(labels, predictions, name, is_resized=is_resized or layout is not None)
    if layout == "NHWC":
        given, predicted = labels.shape, predictions.shape
        if len(given) == len(predicted):
            raise ValueError(f"labels must be classes, (N, H, W), and not one-hot, if {name} are NHWC")
        if not is_resized and given != predicted[:-1]:
            raise ValueError(f"labels {given} and {name} {predicted} must agree in N, H and W")
    if labels.shape[0] == 0:
        raise ValueError("There are no images.")


def check_images(labels: da.Array, images: da.Array) -> None:
    """Refuses images that labels do not fit.

    Raises
    ------
    ValueError
        They do not fit, or there are none.
    """
    if labels.ndim < 2 or images.ndim < 1:
        raise ValueError(
            f"labels must be of shape (N, H, W), not {labels.shape}, and images (N, ...), not {images.shape}"
        )
    if labels.shape[0] != images.shape[0]:
        raise ValueError(f"labels {labels.shape} and images {images.shape} must agree in N")
    if labels.shape[0] == 0:
        raise ValueError("There are no images.")


def check_block(labels: np.ndarray, predictions: np.ndarray, name: str, is_resized: bool) -> None:
    """Refuses what a model gave for a block of images if it does not fit these.

    Raises
    ------
    ValueError
        It does not fit.
    """
    if labels.ndim == predictions.ndim:
        raise ValueError(f"the model must give {name} of shape (N, K, H, W), not {predictions.shape}")
    check_shapes(labels, predictions, name, is_resized=is_resized)


def check_downsample(downsample: int, space: tuple[int, ...]) -> None:
    """Refuses blocks of pixels that do not divide the images.

    Raises
    ------
    ValueError
        They do not.
    """
    if downsample < 1:
        raise ValueError(f"downsample must be at least 1, and is {downsample}")
    if downsample > 1 and len(space) != 2:
        raise ValueError(f"downsample is of images (H, W), and labels have {len(space)} axes beside N")
    if any(extent % downsample for extent in space):
        raise ValueError(f"downsample must divide H and W, {space}, and is {downsample}")


def aligned(images: da.Array, *others: da.Array) -> tuple[da.Array, ...]:
    """Arrays in blocks of whole images, the blocks of all of them being those of the first."""
    images = images.rechunk(dict.fromkeys(range(1, images.ndim), -1))
    along = images.chunks[0]
    return (images, *(each.rechunk({0: along, **dict.fromkeys(range(1, each.ndim), -1)}) for each in others))


def check_counts(labels: Any, others: Any, name: str) -> None:
    """Refuses lists of another length than that of labels, and one list without the other.

    Raises
    ------
    TypeError
        One of them is no list.
    ValueError
        Their lengths differ, or are 0.
    """
    if not isinstance(labels, (list, tuple)) or not isinstance(others, (list, tuple)):
        raise TypeError(f"labels and {name} must both be arrays, or both lists of arrays")
    if len(labels) != len(others):
        raise ValueError(f"labels and {name} must be as many arrays as each other, not {len(labels)} and {len(others)}")
    if not labels:
        raise ValueError("There are no images.")


def score_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type of own and largest probabilities: float64 if predictions are, else float32."""
    is_wide = dtype.kind == "f" and dtype.itemsize > 4 and not is_bfloat16(dtype)
    return np.dtype(np.float64 if is_wide else np.float32)
