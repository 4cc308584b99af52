"""Arrays of other libraries: those of the array API standard, and all that knows DLPack or `__array__`."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from ._types import BFLOAT16, check_type, is_bfloat16, refuse_masks

HOST = (1, 3)  # What DLPack calls the memory of the process, and that which a GPU may read too.
PIECE = 16 << 20  # Bytes that are copied from a device at a time.


class Tensor:
    """Predictions on another device, such as a GPU, of which only what is asked for is copied to this process's memory.

    It can be indexed and has `chunks`, as arrays of zarr have, and is sent like them where it is not reduced before.

    Parameters
    ----------
    array : array_like
        An array on a device, (N, K, H, W) or (K, H, W).
    """

    def __init__(self, array: Any):
        self.array = array.detach() if hasattr(array, "detach") else array
        self.shape = tuple(map(int, array.shape))
        #: That of the elements when they have been copied.
        self.dtype = in_memory(self.array[:0, ...], "the tensor").dtype
        # A piece has as many classes of an image as are copied at a time.
        plane = int(np.prod(self.shape[2:], dtype=np.int64)) * self.dtype.itemsize
        self.chunks = (1, min(max(PIECE // max(plane, 1), 1), max(self.shape[1], 1)), *self.shape[2:])

    def __getitem__(self, key: Any) -> Any:
        # The standard knows no index of fewer axes than an array has, unless the rest is an ellipsis.
        return self.array[(*key, ...) if isinstance(key, tuple) else (key, ...)]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return in_memory(self.array, "the tensor")


def is_elsewhere(array: Any) -> bool:
    """Whether an array that can be indexed lies in the memory of another device than that of this program."""
    if isinstance(array, np.ndarray) or not all(hasattr(array, name) for name in ("__dlpack_device__", "shape")):
        return False
    try:
        kind, _ = array.__dlpack_device__()
    except (BufferError, ValueError):
        return False  # It is spread over several devices, and is gathered when it is asked for as an array.
    return int(kind) not in HOST


def in_memory(array: Any, name: str) -> np.ndarray:
    """An array's elements, without a copy if they are in this process's memory.

    Tensors are detached first, and copied from their device: NumPy would refuse those with gradients or on a device.

    Parameters
    ----------
    name : str
        What messages call the array.

    Raises
    ------
    ValueError
        The array has a mask, or elements that are no numbers.
    """
    array = _on_host(array)
    refuse_masks(array, name)
    array = np.asanyarray(array)
    refuse_masks(array, name)  # Variables of netCDF4 become masked arrays only when they are read.
    check_type(array.dtype, name)
    elements: np.ndarray = np.asarray(array)
    return elements.view(BFLOAT16) if is_bfloat16(elements.dtype) else elements


def _on_host(array: Any) -> Any:
    """What NumPy can make an array of."""
    if hasattr(array, "detach"):
        array = array.detach().cpu()
        if str(array.dtype) == "torch.bfloat16":
            array = array.view(sys.modules["torch"].int16).numpy().view(BFLOAT16)
        return array
    if hasattr(array, "__cuda_array_interface__") and hasattr(array, "get"):
        return array.get()  # CuPy refuses to copy from its device unless it is asked so.
    if not hasattr(array, "__dlpack__") or isinstance(array, np.ndarray):
        return array
    if hasattr(array, "__array__"):
        try:
            return np.asanyarray(array)
        except (TypeError, RuntimeError):
            pass  # The library has `__array__` for arrays in this process's memory alone; DLPack copies others.
    kind, _ = array.__dlpack_device__()
    return np.from_dlpack(array) if int(kind) in HOST else np.from_dlpack(array, device="cpu")
