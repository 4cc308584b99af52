"""Connections to the server, over TCP, TLS or a Unix socket."""

from __future__ import annotations

import os
import queue
import socket
import ssl
from typing import Any, Union
from weakref import WeakSet

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import LocationParseError, NewConnectionError
from urllib3.util import Timeout, parse_url

MOST_AT_ONCE = 1024  # Pieces; `IOV_MAX` of Linux and macOS.

Verify = Union[bool, str, "os.PathLike[str]"]


class Connection(HTTPConnection):
    """A connection on which sending may stall as long as reading. For urllib3 it is as long as connecting.

    Lists of pieces go out by as few calls as there can be.
    """

    def __init__(self, *arguments: Any, send_timeout: float, **options: Any):
        super().__init__(*arguments, **options)
        self._send_timeout = send_timeout
        _connections.add(self)

    def connect(self) -> None:
        super().connect()
        if self.sock is not None:
            self.sock.settimeout(self._send_timeout)

    def send(self, data: Any) -> None:
        if not isinstance(data, list) or self.sock is None or isinstance(self.sock, ssl.SSLSocket):
            super().send(data)  # Which sends the pieces of a list one by one.
            return
        pieces = data
        while pieces:
            sent = self.sock.sendmsg(pieces[:MOST_AT_ONCE])
            whole = 0
            while whole < len(pieces) and sent >= pieces[whole].nbytes:
                sent -= pieces[whole].nbytes
                whole += 1
            pieces = pieces[whole:]
            if sent:
                pieces[0] = pieces[0][sent:]


class SecureConnection(Connection, HTTPSConnection):
    """The same with TLS."""


class UnixConnection(Connection):
    """The same to a socket in the file system."""

    def __init__(self, *arguments: Any, socket_path: str, **options: Any):
        super().__init__(*arguments, **options)
        self._socket_path = socket_path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self.sock.settimeout(self._send_timeout)
            self.sock.connect(self._socket_path)
        except OSError as error:
            self.sock.close()
            raise NewConnectionError(self, f"{self._socket_path}: {error}") from error


class Places(queue.LifoQueue[Any]):
    """The idle connections of a pool."""

    def __init__(self, maxsize: int = 0):
        super().__init__(maxsize)
        _places.add(self)

    def forget(self) -> None:
        """Begins anew, without the lock that a thread may have held that is no more."""
        queue.LifoQueue.__init__(self, self.maxsize)


_connections: WeakSet[Connection] = WeakSet()
_places: WeakSet[Places] = WeakSet()


def leave_to_parent() -> None:
    """In a forked child, gives up the connections of the parent without a word to the server.

    They would mix up the answers of the two; and as long as a child holds them, the server does not see them closed.
    """
    for places in list(_places):
        places.forget()
    for connection in list(_connections):
        if connection.sock is not None and connection.sock.fileno() >= 0:
            os.close(connection.sock.detach())


class Pool(HTTPConnectionPool):
    QueueCls = Places
    ConnectionCls = Connection


class SecurePool(HTTPSConnectionPool):
    QueueCls = Places
    ConnectionCls = SecureConnection


class UnixPool(HTTPConnectionPool):
    QueueCls = Places
    ConnectionCls = UnixConnection


def pool_for(url: str, timeout: float, verify: Verify) -> HTTPConnectionPool:
    """The connections to `http://…`, `https://…` or `unix:/…`.

    Raises:
        ValueError: The URL is none of these.
    """
    options: Any = {"timeout": Timeout(connect=10, read=timeout), "maxsize": 8, "send_timeout": timeout}
    if url.startswith("unix:"):
        path = url[len("unix:") :]
        return UnixPool("localhost", socket_path="/" + path.lstrip("/") if path.startswith("//") else path, **options)
    try:
        parts = parse_url(url)
    except LocationParseError:
        parts = None
    if parts is None or not parts.host or parts.scheme not in ("http", "https") or parts.auth or parts.query:
        raise ValueError(f"{url!r} is no http://host:port, https://host:port or unix:/path")
    if parts.scheme == "http":
        return Pool(parts.host, parts.port, **options)
    return SecurePool(parts.host, parts.port or 443, ssl_context=context_for(verify), **options)


def context_for(verify: Verify) -> ssl.SSLContext:
    """What is asked of the server's certificate: True for the system's authorities, or a file of others in PEM."""
    if isinstance(verify, bool):
        context = ssl.create_default_context()
        if not verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context
    return ssl.create_default_context(cafile=os.fspath(verify))
