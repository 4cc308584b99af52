"""Bodies of requests: multipart forms, of which the arrays are sent from where they lie and never gathered."""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterator
from typing import Callable

import numpy as np

from ._batches import Batch
from ._masks import Masks
from ._parts import Part, size_of
from ._pictures import Picture
from ._types import descr_of

LINE_END = b"\r\n"  # It stands behind each part, ahead of the next boundary.


class Form:
    """A batch as `multipart/form-data`, `labels` first, so that the server scores probabilities as they arrive.

    It has a length, and can be iterated over as often as the request has to be sent.

    Parameters
    ----------
    on_sent : Callable[[float], None] | None
        Called with the share of the body that has been sent, from 0 to 1.
    """

    def __init__(self, batch: Batch, on_sent: Callable[[float], None] | None = None):
        boundary = uuid.uuid4().hex
        self.content_type = f"multipart/form-data; boundary={boundary}"
        labels: list[tuple[bytes, Part | Picture | bytes]] = [(_head(boundary, "labels", batch.labels), batch.labels)]
        if isinstance(batch.labels, Masks):
            labels = [
                (_fields(boundary, "labels", f"{index}.png", "image/png"), mask.data)
                for index, mask in enumerate(batch.labels.masks)
            ]
        arrays = ((batch.name, batch.predictions), *batch.others)
        self._sections: list[tuple[bytes, Part | Picture | bytes]] = [
            *((_fields(boundary, name), text.encode()) for name, text in batch.texts),
            *labels,
            *((_head(boundary, name, part), part) for name, part in arrays),
            *((_fields(boundary, "images", picture.name, picture.kind), picture) for picture in batch.pictures),
        ]
        self._end = f"--{boundary}--\r\n".encode()
        self.length = len(self._end) + sum(len(head) + _size(part) + len(LINE_END) for head, part in self._sections)
        self._on_sent = on_sent

    def __iter__(self) -> Iterator[list[memoryview]]:
        sent = 0
        for pieces in self._pieces():
            yield pieces
            # The connection asks for the next pieces when it has sent these.
            sent += sum(piece.nbytes for piece in pieces)
            if self._on_sent is not None:
                self._on_sent(sent / self.length)

    def _pieces(self) -> Iterator[list[memoryview]]:
        for head, part in self._sections:
            yield [memoryview(head)]
            if isinstance(part, bytes):
                yield [memoryview(part)]
            elif isinstance(part, Picture):
                yield from ([piece] for piece in part.pieces())
            else:
                yield from part.pieces()
            yield [memoryview(LINE_END)]
        yield [memoryview(self._end)]


def _head(boundary: str, name: str, part: Part) -> bytes:
    """What stands ahead of an array's elements: the boundary, the part's fields and the header of its npy file."""
    return _fields(boundary, name, f"{name}.npy", "application/octet-stream") + npy_header(part)


def _fields(boundary: str, name: str, file: str | None = None, kind: str | None = None) -> bytes:
    """What stands ahead of a part: the boundary and the part's fields.

    Parameters
    ----------
    file, kind : str | None
        What the file is called, and its media type, if the part is one.
    """
    fields = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'
    if file is not None:
        # Browsers write what would end the name so (HTML, "multipart/form-data").
        file = file.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")
        fields += f'; filename="{file}"'
    if kind is not None:
        fields += f"\r\nContent-Type: {kind}"
    return f"{fields}\r\n\r\n".encode("utf-8", "replace")


def _size(part: Part | Picture | bytes) -> int:
    """How many bytes a part has."""
    if isinstance(part, bytes):
        return len(part)
    return part.size if isinstance(part, Picture) else size_of(part)


def npy_header(part: Part) -> bytes:
    """What stands ahead of an array's elements in an npy file."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": descr_of(part.dtype), "fortran_order": part.fortran_order, "shape": part.shape}
    )
    return header.getvalue()
