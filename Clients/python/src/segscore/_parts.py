"""Arrays as they are sent: a shape, a type, and their bytes in pieces that are views wherever they can be."""

from __future__ import annotations

from typing import Any, Iterator, List, Protocol, Sequence, Tuple

import numpy as np

from ._mapped import MappedFile

PIECE = 1 << 20  # Bytes. Copies are no larger, and a piece has to leave within the time limit of a connection.


class Part(Protocol):
    """An array to be sent, in lists of pieces that go out together.

    The pieces can be asked for again, since a request may have to be repeated.
    """

    @property
    def shape(self) -> Tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype[Any]: ...

    @property
    def fortran_order(self) -> bool: ...

    def pieces(self) -> Iterator[List[memoryview]]: ...


def size_of(part: Part) -> int:
    """How many bytes the elements take."""
    return int(np.prod(part.shape, dtype=np.int64)) * part.dtype.itemsize


class Whole:
    """An array in memory, or a mapped file."""

    def __init__(self, array: np.ndarray):
        self.array = array
        self.shape = array.shape
        self.dtype = array.dtype
        self.fortran_order = array.flags.f_contiguous and not array.flags.c_contiguous

    def pieces(self) -> Iterator[List[memoryview]]:
        file = MappedFile.behind(self.array)
        for piece in pieces_of(self.array.T if self.fortran_order else self.array):
            yield [piece]
            if file is not None:
                file.forget(piece)


class Stored:
    """Some images of an array that reads itself from somewhere when it is indexed, as those of zarr do.

    Of one image a chunk's extent of the second axis is held at a time; where a chunk has several images, all of these.
    """

    fortran_order = False

    def __init__(self, array: Any, images: range):
        self.array = array
        self.images = images
        self.shape = (len(images), *map(int, array.shape[1:]))
        self.dtype = np.dtype(array.dtype)

    def pieces(self) -> Iterator[List[memoryview]]:
        depth, extent = chunk_of(self.array, 0), chunk_of(self.array, 1)
        for image in range(self.images.start, self.images.stop, depth):
            if depth > 1:
                yield from _each(self.array[image:min(image + depth, self.images.stop)])
            else:
                for start in range(0, self.shape[1], extent):
                    yield from _each(self.array[image, start:start + extent])


class Stacked:
    """Arrays of one shape and type as one, with a new first axis."""

    fortran_order = False

    def __init__(self, arrays: Sequence[Any]):
        self.arrays = arrays
        self.shape = (len(arrays), *map(int, arrays[0].shape))
        self.dtype = np.dtype(arrays[0].dtype)

    def pieces(self) -> Iterator[List[memoryview]]:
        for array in self.arrays:
            file = MappedFile.behind(array) if isinstance(array, np.ndarray) else None
            for piece in pieces_of(np.asarray(array)):
                yield [piece]
                if file is not None:
                    file.forget(piece)


def bytes_of(array: np.ndarray) -> memoryview:
    """The bytes of an array that lies in memory in C order."""
    return array.reshape(-1).view(np.uint8).data


def pieces_of(array: np.ndarray) -> Iterator[memoryview]:
    """An array's bytes in C order: views of it, and copies of a piece's size where it does not lie so in memory."""
    if array.flags.c_contiguous:
        data = bytes_of(array)
        for start in range(0, len(data), PIECE):
            yield data[start:start + PIECE]
    elif array.nbytes <= PIECE:
        yield from pieces_of(np.ascontiguousarray(array))
    else:
        step = PIECE * len(array) // array.nbytes
        for start in range(0, len(array), max(step, 1)):
            yield from pieces_of(array[start:start + step] if step else array[start])


def _each(array: Any) -> Iterator[List[memoryview]]:
    return ([piece] for piece in pieces_of(np.asarray(array)))


def is_stored(array: Any) -> bool:
    """Whether this is an array of zarr, h5py, dask or the like, that is better read in its chunks."""
    return not isinstance(array, np.ndarray) and all(hasattr(array, name) for name in ("shape", "dtype", "chunks"))


def chunk_of(array: Any, axis: int) -> int:
    """The extent of a stored array's chunks; dask lists that of each chunk, and h5py has None for an array without."""
    extent = (array.chunks or [1] * len(array.shape))[axis]
    return int(extent if isinstance(extent, int) else extent[0])


def in_memory(array: Any) -> np.ndarray:
    """An array's elements, without a copy where they are in this process's memory.

    Tensors that know where their gradients come from, or that live on a device, do not turn into arrays by themselves.
    """
    if hasattr(array, "detach"):
        array = array.detach().cpu()
    return np.asarray(array)


def loaded(array: Any) -> Any:
    """The array as it is if it is stored, else its elements in memory."""
    return array if is_stored(array) else in_memory(array)


def part_of(array: Any, images: range) -> Part:
    """Some of an array's images."""
    if is_stored(array):
        return Stored(array, images)
    return Whole(array[images.start:images.stop])
