"""Has a server take batches: from this process's memory where it can read that, or else by sending them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Callable

from ._batches import Batch
from ._form import Form
from ._in_place import InPlace
from ._transport import Transport
from .errors import SegscoreError


def send(
    transport: Transport,
    path: str,
    batch: Batch,
    on_sent: Callable[[float], None] | None = None,
    *,
    query: Mapping[str, Any] | None = None,
    fields: Mapping[str, str] | None = None,
    stays: bool = True,
) -> bytes:
    """The answer to a batch, read to its end.

    Parameters
    ----------
    on_sent : Callable[[float], None] | None
        Called with the share of the batch that has been sent, from 0 to 1.
    stays : bool
        Whether the arrays stay as they are until the server has read them: that it answers as soon as it has.
    """
    in_place = InPlace.of(batch) if stays and transport.may_read() else None
    if in_place is not None:
        try:
            with in_place:
                answer = transport.read("POST", path, body=in_place, query=query, fields=_with_key(fields))
        except SegscoreError as error:
            if not transport.does_not_read(error):
                raise
        else:
            if on_sent is not None:
                on_sent(1.0)
            return answer
    return transport.read("POST", path, body=Form(batch, on_sent), query=query, fields=_with_key(fields))


def _with_key(fields: Mapping[str, str] | None) -> dict[str, str]:
    """The fields of a request with a key by which the server knows it if it comes again.

    It is random, since other threads and processes may add batches of their own to a job at the same time.
    """
    return {"Idempotency-Key": uuid.uuid4().hex, **(fields or {})}
