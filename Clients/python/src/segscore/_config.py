"""The client that the functions of `segscore.segmentation` use."""

from __future__ import annotations

import dataclasses
import os
import threading

from ._own_server import own_server
from ._pool import Verify
from .client import DEFAULT_BATCH_BYTES, DEFAULT_RETRIES, DEFAULT_TIMEOUT, Client

_lock = threading.Lock()
_client: Client | None = None


def configure(
    url: str | None = None,
    api_key: str | None = None,
    *,
    verify: Verify | None = None,
    timeout: float = DEFAULT_TIMEOUT,
    retries: int = DEFAULT_RETRIES,
    batch_bytes: int = DEFAULT_BATCH_BYTES,
    fewest_bytes: bool = False,
) -> Client:
    """Says which server the functions of `segscore.segmentation` ask; arguments are those of `Client`.

    A program that never calls this asks the server that the environment names, or one of its own. Arguments that are
    left out are taken from the environment too.
    """
    global _client
    client = Client(
        url,
        api_key=api_key,
        verify=verify,
        timeout=timeout,
        retries=retries,
        batch_bytes=batch_bytes,
        fewest_bytes=fewest_bytes,
    )
    with _lock:
        _client = client
    return client


def default_client() -> Client:
    """The client that `configure` made, or else one for the server that the environment names, or of one's own."""
    global _client
    with _lock:
        if _client is None:
            _client = Client()
        return _client


@dataclasses.dataclass(frozen=True)
class ServerInfo:
    """The server that the functions of `segscore.segmentation` ask.

    Attributes
    ----------
    url : str
        Where it is.
    version : str
        Its version.
    is_own : bool
        Whether it was started by this process, or the one that this was forked from, and ends with it.
    pid : int | None
        The id of its process, if it is one's own.
    """

    url: str
    version: str
    is_own: bool
    pid: int | None


def server_info() -> ServerInfo:
    """Says which server the functions of `segscore.segmentation` ask. A server of one's own is started for that.

    Raises
    ------
    UnreachableError
        It does not answer, or does not start.
    """
    transport = default_client()._transport
    version = transport.ask("GET", "/version")["version"]
    running = own_server.running if transport.is_own else None
    return ServerInfo(transport.url, version, transport.is_own, running.pid if running else None)


def _begin_child() -> None:
    """Gives a forked child a lock of its own: the parent's may be held by a thread that does not exist in the child."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_child)
