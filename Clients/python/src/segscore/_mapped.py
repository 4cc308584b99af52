"""Gives back the memory of mapped files that have been sent."""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np

AROUND = 2 << 20  # Bytes of a huge page: when a page is read, Linux may map the pages around it up to such a size.


class MappedFile:
    """The file behind an array, whose pages can be given back once they have been sent.

    Pages that are given back stay in the system's cache, but no longer count as this process's memory.
    """

    def __init__(self, mapping: mmap.mmap):
        self._mapping = mapping
        self._address = address_of(np.frombuffer(mapping, np.uint8))

    @classmethod
    def behind(cls, array: np.ndarray) -> MappedFile | None:
        """The file that an array is mapped from, if its pages may be given back."""
        base: Any = array
        mode = ""
        while isinstance(base, np.ndarray):
            mode = getattr(base, "mode", "") or mode
            base = base.base
        # A copy-on-write mapping ("c") would lose what the program has written to it.
        if isinstance(base, mmap.mmap) and mode in ("r", "r+") and hasattr(base, "madvise"):
            return cls(base)
        return None

    def forget(self, piece: memoryview) -> None:
        """Gives back the pages of a piece, and those around it that the system may have mapped with them."""
        start = address_of(np.frombuffer(piece, np.uint8))
        first, last = start // AROUND * AROUND, -(-(start + piece.nbytes) // AROUND) * AROUND
        first, last = max(first - self._address, 0), min(last - self._address, len(self._mapping))
        if last > first:
            self._mapping.madvise(mmap.MADV_DONTNEED, first, last - first)


def address_of(array: np.ndarray) -> int:
    """Where the first element of an array lies."""
    address: int = array.__array_interface__["data"][0]
    return address
