"""Arrays as parts of a form: a shape, a type, and the bytes in pieces.

A piece is a view of the array if the bytes can be sent as they lie in memory. Elements of types that the server does
not know are converted a piece at a time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from ._mapped import MappedFile
from ._readers import is_readable, read
from ._tensors import Tensor, in_memory, is_elsewhere
from ._types import check_type, converted

PIECE = 1 << 20  # Bytes. No copy is larger, and a piece has to be sent within the time limit of a connection.


class Part(Protocol):
    """An array to be sent, in lists of pieces, each of which is sent together.

    The pieces can be asked for again, since a request may have to be sent again.
    """

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype[Any]: ...

    @property
    def fortran_order(self) -> bool: ...

    def pieces(self) -> Iterator[list[memoryview]]: ...


def size_of(part: Part) -> int:
    """How many bytes the elements take."""
    return int(np.prod(part.shape, dtype=np.int64)) * part.dtype.itemsize


class Whole:
    """An array in memory or of a mapped file."""

    def __init__(self, array: np.ndarray, dtype: np.dtype[Any]):
        self.array = array
        self.shape = array.shape
        self.dtype = dtype
        self.fortran_order = array.flags.f_contiguous and not array.flags.c_contiguous

    def pieces(self) -> Iterator[list[memoryview]]:
        yield from mapped_pieces_of(self.array.T if self.fortran_order else self.array, self.dtype)


class Stored:
    """Some images of an array that is read from somewhere when it is indexed, as zarr's are.

    Of an image as many rows or classes are held at a time as a chunk has. If a chunk has several images, all of these
    are held at a time.
    """

    fortran_order = False

    def __init__(self, array: Any, images: range, name: str, dtype: np.dtype[Any]):
        self.array = array
        self.images = images
        self.shape = (len(images), *map(int, array.shape[1:]))
        self.dtype = dtype
        self._name = name

    def pieces(self) -> Iterator[list[memoryview]]:
        depth, extent = chunk_of(self.array, 0), chunk_of(self.array, 1)
        for image in range(self.images.start, self.images.stop, depth):
            if depth > 1:
                yield from self._each(self.array[image : min(image + depth, self.images.stop)])
            else:
                for start in range(0, self.shape[1], extent):
                    yield from self._each(self.array[image, start : start + extent])

    def _each(self, array: Any) -> Iterator[list[memoryview]]:
        return ([piece] for piece in pieces_of(in_memory(array, self._name), self.dtype))


class Stacked:
    """Several arrays of one shape and type as one array, with a new first axis."""

    fortran_order = False

    def __init__(self, arrays: Sequence[Any], name: str, dtype: np.dtype[Any]):
        self.arrays = arrays
        self.shape = (len(arrays), *map(int, arrays[0].shape))
        self.dtype = dtype
        self._name = name

    def pieces(self) -> Iterator[list[memoryview]]:
        for array in self.arrays:
            yield from mapped_pieces_of(in_memory(array, self._name), self.dtype)


def bytes_of(array: np.ndarray) -> memoryview:
    """The bytes of an array that lies in memory in C order."""
    return array.reshape(-1).view(np.uint8).data


def pieces_of(array: np.ndarray, dtype: np.dtype[Any]) -> Iterator[memoryview]:
    """An array's bytes in C order: views of it, or copies of a piece's size if it lies in memory otherwise."""
    size = array.size * dtype.itemsize
    if array.flags.c_contiguous and array.dtype == dtype:
        data = bytes_of(array)
        for start in range(0, len(data), PIECE):
            yield data[start : start + PIECE]
    elif size <= PIECE:
        yield from pieces_of(converted(array, dtype), dtype)
    else:
        step = PIECE * len(array) // size
        for start in range(0, len(array), max(step, 1)):
            yield from pieces_of(array[start : start + step] if step else array[start], dtype)


def mapped_pieces_of(array: np.ndarray, dtype: np.dtype[Any]) -> Iterator[list[memoryview]]:
    """The pieces of an array, one at a time; if the array is a mapped file, its pages are given back once sent."""
    file = MappedFile.behind(array)
    for piece in pieces_of(array, dtype):
        yield [piece]
        if file is not None and array.dtype == dtype:
            file.forget(piece)
        elif file is not None and array.flags.c_contiguous:
            # The piece is a copy, and does not tell which pages it was made from.
            file.forget(bytes_of(array))


def is_stored(array: Any) -> bool:
    """Whether this is an array of zarr, h5py, dask or the like, which is read in its chunks."""
    return not isinstance(array, np.ndarray) and all(hasattr(array, name) for name in ("shape", "dtype", "chunks"))


def chunk_of(array: Any, axis: int) -> int:
    """The extent of a stored array's chunks along an axis; dask lists that of each chunk, h5py may have no chunks."""
    extent = (array.chunks or [1] * len(array.shape))[axis]
    return int(extent if isinstance(extent, int) else extent[0])


def loaded(array: Any, name: str) -> Any:
    """The array itself if it is stored or on a device, else its elements in memory. Labels never stay on a device.

    The path of a file is its array.

    Parameters
    ----------
    name : str
        What messages call the array.

    Raises
    ------
    ValueError
        The array has a mask, or elements that are no numbers.
    """
    if isinstance(array, (str, os.PathLike)):
        if not is_readable(array):
            raise ValueError(f"{name} are read from .npy, .npz, .nii, .nii.gz and .tif files, not {os.fsdecode(array)}")
        array = read(array, name)
    if is_stored(array):
        check_type(np.dtype(array.dtype), name)
        return array
    if name != "labels" and is_elsewhere(array):
        return Tensor(array)
    return in_memory(array, name)


def part_of(array: Any, images: range, name: str, dtype: np.dtype[Any]) -> Part:
    """The part that sends some of an array's images in the type `dtype`."""
    if is_stored(array):
        if len(array.shape) > 1:
            return Stored(array, images, name, dtype)
        array = np.asarray(array)  # Stored arrays are read by two axes or more.
    return Whole(array[images.start : images.stop], dtype)
