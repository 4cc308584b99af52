"""Reads the arrays that a server answers straight into memory that is allocated once."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError, ProtocolError

from ._transport import Transport

BLOCK = 1 << 18  # Bytes that are read at a time.
PREFIX = 10  # Bytes of an npy file that tell how long its header is.


def read_array(
    transport: Transport, path: str, query: Mapping[str, Any] | None = None, dtype: Any = None
) -> np.ndarray:
    """The array at a path of the server, in another element type if one is given.

    If an answer breaks off, only the rest is asked for, by `Range`.
    """
    attempts = transport.attempts()
    filling: Filling | None = None
    while True:
        fields: dict[str, str] = {"Accept": "application/x-npy"}
        if filling is not None and filling.etag:
            fields.update({"Range": f"bytes={filling.offset}-", "If-Range": filling.etag})
        with transport.request("GET", path, query=query, fields=fields) as answer:
            try:
                if filling is None or answer.status != 206:
                    filling = Filling(answer, dtype)
                filling.read_rest(answer)
                return filling.array
            except HTTPError as error:
                attempts.failed(transport.unreachable(error))


class Filling:
    """An array that fills with the bytes of an answer."""

    def __init__(self, answer: BaseHTTPResponse, dtype: Any):
        start = bytearray(PREFIX)
        read_into(answer, memoryview(start))
        header = bytearray(int.from_bytes(start[8:], "little"))
        read_into(answer, memoryview(header))
        shape, _, self._sent_type = np.lib.format.read_array_header_1_0(io.BytesIO(bytes(start[8:] + header)))
        self.array = np.empty(shape, self._sent_type if dtype is None else np.dtype(dtype))
        self.etag = answer.headers.get("ETag", "")
        self._data_start = PREFIX + len(header)
        self._elements = 0  # How many have been read.

    @property
    def offset(self) -> int:
        """The place in the npy file of the first byte that is missing."""
        return self._data_start + self._elements * self._sent_type.itemsize

    def read_rest(self, answer: BaseHTTPResponse) -> None:
        """Reads the elements that are missing, a block at a time."""
        flat = self.array.reshape(-1)
        same_type = self.array.dtype == self._sent_type
        step = BLOCK // self._sent_type.itemsize
        scratch = np.empty(0 if same_type else step, self._sent_type)
        while self._elements < flat.size:
            target = flat[self._elements : self._elements + step]
            block = target if same_type else scratch[: target.size]
            read_into(answer, block.view(np.uint8).data)
            if not same_type:
                target[...] = block
            self._elements += target.size


def read_into(answer: BaseHTTPResponse, target: memoryview) -> None:
    """Fills all of `target`.

    Raises
    ------
    HTTPError
        The answer ended before `target` was full.
    """
    done = 0
    while done < len(target):
        count = answer.readinto(target[done:])
        if count == 0:
            raise ProtocolError(f"the answer ended {len(target) - done} bytes early")
        done += count
