"""Types of elements: those that are sent as they are, and those that are converted before."""

from __future__ import annotations

from typing import Any

import numpy as np

BFLOAT16 = np.dtype([("bfloat16", "<u2")])
"""The bits of bfloat16: NumPy has no such type of its own, and `ml_dtypes` may not be installed."""

FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)


def label_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type in which labels are sent: integers, bool and floats of up to 64 bits as they are."""
    return dtype if dtype.kind in "biu" else probability_type(dtype)


def probability_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type in which probabilities are sent: integers and bool, as of one-hot predictions, as float32."""
    if is_bfloat16(dtype):
        return BFLOAT16
    # A type that is not NumPy's own (`isbuiltin == 2`) is one of `ml_dtypes`, and float32 holds all values of these.
    if dtype.kind in "biu" or dtype.isbuiltin == 2:
        return FLOAT32
    if dtype.kind == "f" and dtype.itemsize > FLOAT64.itemsize:
        return FLOAT64
    return dtype


def is_bfloat16(dtype: np.dtype[Any]) -> bool:
    """Whether elements are bfloat16, ours or those of `ml_dtypes`."""
    return dtype == BFLOAT16 or (dtype.isbuiltin == 2 and dtype.name == "bfloat16")


def descr_of(dtype: np.dtype[Any]) -> Any:
    """What the header of an npy file says of the elements; of bfloat16, what NumPy writes for `ml_dtypes`."""
    return "<V2" if dtype == BFLOAT16 else np.lib.format.dtype_to_descr(dtype)


def converted(array: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    """The elements in the type `dtype` and in C order; a copy unless they lie in memory so already."""
    if array.dtype == BFLOAT16 != dtype:
        # A bfloat16 is the upper half of a float32.
        return (array["bfloat16"].astype(np.uint32, order="C") << 16).view(np.float32)
    with np.errstate(over="ignore"):  # The server refuses a value that becomes infinite here.
        return np.ascontiguousarray(array, dtype)


def reckonable(array: np.ndarray) -> np.ndarray:
    """The elements in a type that NumPy can reckon with."""
    return converted(array, FLOAT32) if array.dtype == BFLOAT16 else array


def score_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type of pixel scores by all methods but `softmin`. cleanlab gives them that of a sum of the probabilities."""
    sum_type: np.dtype[Any] = np.zeros(0, dtype).sum().dtype if dtype.kind in "biu" else dtype.newbyteorder("=")
    return sum_type


def refuse_masks(array: Any, name: str) -> None:
    """Refuses a masked array, and a list with one in it: the elements below the mask would be sent as if they counted.

    Raises
    ------
    ValueError
        There is a masked array.
    """
    if isinstance(array, (list, tuple)):
        for each in array:
            refuse_masks(each, name)
    elif np.ma.isMaskedArray(array):
        raise ValueError(
            f"{name} is a masked array, and masks are not sent. Fill it, with a label to ignore where labels are "
            "masked: labels.filled(255) and ignore_label=255"
        )


def check_type(dtype: np.dtype[Any], name: str) -> None:
    """Refuses elements that are no numbers.

    Raises
    ------
    ValueError
        The elements are Python objects, or bytes of an unknown type.
    """
    if dtype.hasobject:
        raise ValueError(
            f"{name} holds Python objects ({dtype}). Images of several sizes come as a list of arrays; else give it a "
            f"type of numbers: {name}.astype(…)"
        )
    if dtype.kind == "V" and dtype.isbuiltin != 2 and dtype != BFLOAT16:
        hint = ". NumPy loads bfloat16 so: say what it is with .view(ml_dtypes.bfloat16)" if dtype.itemsize == 2 else ""
        raise ValueError(f"{name} holds bytes of no type that is known ({dtype}){hint}")
