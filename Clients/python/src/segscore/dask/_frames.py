"""Arrays of xarray, which is not imported here: who gives a `DataArray` has it."""

from __future__ import annotations

import sys
from typing import Any

import dask.array as da


def is_data_array(array: Any) -> bool:
    """Whether an array is an `xarray.DataArray`."""
    xarray = sys.modules.get("xarray")
    return xarray is not None and isinstance(array, xarray.DataArray)


class Frame:
    """The dimensions and coordinates of labels, for what is found of their pixels and images.

    Parameters
    ----------
    labels : xarray.DataArray
        The labels.
    class_axis : int | None
        The axis of classes of one-hot labels, which results do not have.
    """

    def __init__(self, labels: Any, class_axis: int | None):
        self._labels = labels if class_axis is None else labels.isel({labels.dims[class_axis]: 0}, drop=True)

    def pixels(self, array: da.Array, name: str) -> Any:
        """An array of pixels, (N, H, W), as a `DataArray`."""
        return self._framed(array, name, self._labels.dims)

    def images(self, array: da.Array, name: str) -> Any:
        """An array of images, (N,), as a `DataArray`."""
        return self._framed(array, name, self._labels.dims[:1])

    def _framed(self, array: da.Array, name: str, dims: tuple[Any, ...]) -> Any:
        coords = {key: coord for key, coord in self._labels.coords.items() if set(coord.dims) <= set(dims)}
        return sys.modules["xarray"].DataArray(array, coords, dims, name)
