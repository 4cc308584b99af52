"""The client that the functions of `segscore.segmentation` use."""

from __future__ import annotations

import os
import threading

from ._pool import Verify
from .client import Client

_lock = threading.Lock()
_client: Client | None = None


def configure(
    url: str | None = None,
    api_key: str | None = None,
    *,
    verify: Verify | None = None,
    timeout: float = 120,
    retries: int = 6,
    batch_bytes: int = 256 << 20,
) -> Client:
    """Says which server the functions of `segscore.segmentation` ask; arguments are those of `Client`.

    Without it they ask the one that the environment names. What is left out is taken from the environment too.
    """
    global _client
    client = Client(url, api_key=api_key, verify=verify, timeout=timeout, retries=retries, batch_bytes=batch_bytes)
    with _lock:
        _client = client
    return client


def default_client() -> Client:
    """The client that was configured, or that of the environment."""
    global _client
    with _lock:
        if _client is None:
            _client = Client()
        return _client


def _begin_child() -> None:
    """In a forked child, takes the lock that another thread of the parent may have held, and nobody here gives back."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_child)
