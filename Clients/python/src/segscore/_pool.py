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

MOST_AT_ONCE = 1024  # Pieces that one call may send: `IOV_MAX` of Linux and macOS.

Verify = Union[bool, str, "os.PathLike[str]"]


class Connection(HTTPConnection):
    """A connection whose time limit for sending is that for reading. urllib3 would take the limit for connecting.

    Lists of pieces are sent by as few system calls as possible.
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
            super().send(data)  # It sends the pieces of a list one by one.
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
    """A connection over TLS."""


class UnixConnection(Connection):
    """A connection to a socket in the file system."""

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
        """Empties the queue in a forked child, and gives it a lock that no thread of the parent holds."""
        queue.LifoQueue.__init__(self, self.maxsize)


_connections: WeakSet[Connection] = WeakSet()
_places: WeakSet[Places] = WeakSet()


def leave_to_parent() -> None:
    """Closes the parent's connections in a forked child without a word to the server.

    If both processes used a connection, each would read answers to the other. If the child only kept it open, the
    server would not notice when the parent closes it.
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
    """A pool of connections to `http://…`, `https://…` or `unix:/…`.

    Raises
    ------
    ValueError
        The URL is of no such kind.
    """
    options: Any = {"timeout": Timeout(connect=10, read=timeout), "maxsize": 8, "send_timeout": timeout}
    if url.startswith("unix:"):
        path = url[len("unix:") :]
        return UnixPool("localhost", socket_path="/" + path.lstrip("/") if path.startswith("//") else path, **options)
    try:
        address = parse_url(url)
    except LocationParseError:
        address = None
    if address is None or not address.host or address.scheme not in ("http", "https") or address.auth or address.query:
        raise ValueError(f"{url!r} is no http://host:port, https://host:port or unix:/path")
    if address.scheme == "http":
        return Pool(address.host, address.port, **options)
    return SecurePool(address.host, address.port or 443, ssl_context=context_for(verify), **options)


def context_for(verify: Verify) -> ssl.SSLContext:
    """Has the system's authorities vouch for the server's certificate, those of a PEM file, or with False nobody."""
    if isinstance(verify, bool):
        context = ssl.create_default_context()
        if not verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context
    return ssl.create_default_context(cafile=os.fspath(verify))
