"""Bodies of requests that are a small JSON object."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any


class Message:
    """A JSON object as a body, which can be sent as often as a `Form`."""

    content_type = "application/json"

    def __init__(self, document: Any):
        self._data = json.dumps(document, allow_nan=False).encode()
        self.length = len(self._data)

    def __iter__(self) -> Iterator[list[memoryview]]:
        yield [memoryview(self._data)]
