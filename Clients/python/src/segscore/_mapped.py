"""Files that are mapped into memory."""

from __future__ import annotations

import mmap
from typing import Any, Optional

import numpy as np

AROUND = max(64 << 10, mmap.PAGESIZE)  # Bytes; Linux maps so much around a page that is asked for (`fault_around_bytes`).


class MappedFile:
    """The file behind an array, whose pages can be given back once they have been sent.

    They stay in the system's cache, but no longer count as this process's memory.
    """

    def __init__(self, mapping: mmap.mmap):
        self._mapping = mapping
        self._address = _address_of(np.frombuffer(mapping, np.uint8))

    @classmethod
    def behind(cls, array: np.ndarray) -> Optional[MappedFile]:
        """The file that holds all of an array, where its pages may be given back."""
        base: Any = array
        mode = ""
        while isinstance(base, np.ndarray):
            mode = getattr(base, "mode", "") or mode
            base = base.base
        # A copy-on-write mapping ("c") would lose what was written to it.
        if isinstance(base, mmap.mmap) and mode in ("r", "r+") and hasattr(base, "madvise"):
            return cls(base)
        return None

    def forget(self, piece: memoryview) -> None:
        """Gives back the pages of a piece, and those around it that the system maps with them."""
        start = _address_of(np.frombuffer(piece, np.uint8)) - self._address
        first, last = start // AROUND * AROUND, min(-(-(start + piece.nbytes) // AROUND) * AROUND, len(self._mapping))
        if last > first >= 0:
            self._mapping.madvise(mmap.MADV_DONTNEED, first, last - first)


def _address_of(array: np.ndarray) -> int:
    address: int = array.__array_interface__["data"][0]
    return address
