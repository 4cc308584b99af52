"""Arrays that are not sent: the server reads them in this process's memory, and in files that it has mapped."""

from __future__ import annotations

import ctypes
import json
import os
import socket
import struct
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ._batches import Batch
from ._forks import this_process
from ._form import npy_header
from ._mapped import MappedFile, address_of
from ._parts import Part, Stacked, Whole

if TYPE_CHECKING:
    from typing_extensions import Self

PR_SET_PTRACER = 0x59616D61  # Of Yama, a part of Linux that has processes read by their parents alone.
MOST_FILES = 64  # The server opens no more for one array.

# The process, of those that were forked from one another, and the server that it has allowed; the system remembers one.
_allowed: tuple[object, str] | None = None


class InPlace:
    """A batch as JSON that says where its arrays lie. They must stay as they are until the server has read them.

    It can be sent as often as a `Form`, and is a context within which the files stay open that arrays are mapped from.
    """

    content_type = "application/json"

    def __init__(self, batch: Batch, arrays: dict[str, list[str]], headers: list[bytes], files: list[int]):
        self._read = (batch, headers)  # What the server reads has to be there as long as this is.
        self._files = files
        document: dict[str, Any] = {name: {"memory": " ".join(places)} for name, places in arrays.items()}
        document.update(batch.texts)
        self._data = json.dumps(document).encode()
        self.length = len(self._data)

    @classmethod
    def of(cls, batch: Batch) -> InPlace | None:
        """Where the arrays of a batch lie; None if some would have to be converted or are not in memory at all.

        A batch with pictures is sent with these, too.
        """
        if batch.pictures:
            return None
        arrays: dict[str, list[str]] = {}
        headers: list[bytes] = []
        files: list[int] = []
        try:
            for name, part in (("labels", batch.labels), (batch.name, batch.predictions), *batch.others):
                places = _places(part, files)
                if places is None:
                    _close(files)
                    return None
                headers.append(npy_header(part))
                arrays[name] = [_in_memory(np.frombuffer(headers[-1], np.uint8)), *places]
        except BaseException:
            _close(files)
            raise
        return cls(batch, arrays, headers, files)

    def __iter__(self) -> Iterator[list[memoryview]]:
        yield [memoryview(self._data)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        _close(self._files)


def _places(part: Part, files: list[int]) -> list[str] | None:
    """Where the elements of a part lie, piece by piece; None if they do not lie there as they are sent.

    Parameters
    ----------
    files : list[int]
        The files that are opened for it are added.
    """
    if isinstance(part, Whole):
        arrays = [part.array.T if part.fortran_order else part.array]
    elif isinstance(part, Stacked):
        arrays = list(part.arrays)
    else:
        return None
    for array in arrays:
        if not isinstance(array, np.ndarray) or array.dtype != part.dtype or not array.flags.c_contiguous:
            return None
    places: list[str] = []
    for array in arrays:
        place = _in_file(array, files) if MappedFile.behind(array) else _in_memory(array)
        if place is None:
            return None
        places.append(place)
    return places


def _in_memory(array: np.ndarray) -> str:
    return f"{address_of(array)}+{array.nbytes}"


def _in_file(array: np.ndarray, files: list[int]) -> str | None:
    """Where an array lies in the file that it is mapped from, so that its pages do not become this process's memory."""
    address = address_of(array)
    found = _mapping_at(address, array.nbytes)
    if found is None or len(files) == MOST_FILES:
        return None
    start, offset, device, number, path = found
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    files.append(file)
    status = os.fstat(file)
    # The path may lead to another file by now.
    if (os.major(status.st_dev), os.minor(status.st_dev), status.st_ino) != (*device, number):
        return None
    return f"{file}@{address - start + offset}+{array.nbytes}"


def _mapping_at(address: int, size: int) -> tuple[int, int, tuple[int, int], int, str] | None:
    """The shared mapping of a file that holds some memory: its start, its offset, the file's device, number and path.

    The lines are described in proc_pid_maps(5).
    """
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            fields = line.rstrip("\n").split(maxsplit=5)
            start, end = (int(text, 16) for text in fields[0].split("-"))
            if start <= address and address + size <= end:
                if len(fields) < 6 or fields[1][3] != "s":
                    return None
                major, minor = (int(text, 16) for text in fields[3].split(":"))
                return start, int(fields[2], 16), (major, minor), int(fields[4]), fields[5]
    return None


def _close(files: list[int]) -> None:
    for file in files:
        os.close(file)
    files.clear()


def can_be_read(url: str) -> bool:
    """Whether a server may be able to read this process's memory."""
    return sys.platform == "linux" and url.startswith("unix:")


def allow_reading(url: str) -> None:
    """Lets a server read this process's memory where only its parents may. Elsewhere nothing is to be allowed."""
    global _allowed
    if _allowed == (this_process(), url):
        return
    try:
        ctypes.CDLL(None).prctl(PR_SET_PTRACER, ctypes.c_ulong(_process_at(url)), 0, 0, 0)
        _allowed = (this_process(), url)
    except (OSError, AttributeError):
        pass  # The server is not allowed to, and says so.


def _process_at(url: str) -> int:
    """The id of the process that listens on a Unix socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(5)
        probe.connect(url[len("unix:") :])
        credentials = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", credentials)[0])
