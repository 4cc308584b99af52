"""Sends requests to a server, some of them again, and reads the answers."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import partial
from typing import Any, BinaryIO, cast
from urllib.parse import urlencode

from urllib3 import BaseHTTPResponse
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, SSLError

from ._attempts import Attempts
from ._forks import OfProcess
from ._form import Form
from ._in_place import InPlace, allow_reading, can_be_read
from ._message import Message
from ._own_server import own_server
from ._pool import Verify, pool_for
from ._version import __version__
from .errors import SegscoreError, UnreachableError, error_of

# A request that was sent again may be refused so as long as the server has not noticed that the connection is lost over
# which the same request came before.
STILL_ARRIVING = ("urn:segscore:request-arriving", "urn:segscore:batch-arriving")

BLOCK = 1 << 18  # Bytes of an answer that are written to a file at a time.


class Transport:
    """Speaks HTTP with one server. It may be used by several threads.

    A forked process makes connections of its own, and so does a process that unpickles the transport.

    Parameters
    ----------
    url : str | None
        Where the server is; None for one of this process's own, which is started when it is first asked.
    """

    def __init__(self, url: str | None, api_key: str | None, verify: Verify, timeout: float, retries: int):
        self._url = None if url is None else url.rstrip("/")
        if not isinstance(verify, bool):
            # The file is read again by other processes, whose working directory may be another.
            verify = os.path.abspath(verify)
        self._arguments = (api_key, verify, timeout, retries)
        self._make_pool = partial(pool_for, timeout=timeout, verify=verify)
        self._pools: OfProcess[dict[str, HTTPConnectionPool]] = OfProcess(dict)
        if self._url is not None:
            self._pool_at(self._url)  # A URL that is none is told of at once.
        rest = "" if self._url is None or self._url.startswith("unix:") else self._url.partition("://")[2]
        self._prefix = rest[rest.index("/") :] if "/" in rest else ""
        self._fields = {"User-Agent": f"segscore-python/{__version__}"}
        if api_key:
            self._fields["Authorization"] = f"Bearer {api_key}"
        self._retries = retries
        self._unread: set[str] = set()  # The servers that have said that they cannot read this process's memory.

    def __reduce__(self) -> tuple[type[Transport], tuple[Any, ...]]:
        running = own_server.running
        url = running.url if self._url is None and running is not None else self._url
        return Transport, (url, *self._arguments)

    def __str__(self) -> str:
        return "a server of its own" if self._url is None else self._url

    @property
    def is_own(self) -> bool:
        """Whether the server is one of this process's own."""
        return self._url is None

    @property
    def url(self) -> str:
        """Where the server is.

        Raises
        ------
        UnreachableError
            It is one of this process's own, and does not start.
        """
        return self._url if self._url is not None else own_server.get().url

    def may_read(self) -> bool:
        """Whether the server may be able to read arrays in this process's memory.

        Raises
        ------
        UnreachableError
            It is one of this process's own, and does not start.
        """
        return can_be_read(self.url) and self.url not in self._unread

    def does_not_read(self, error: SegscoreError) -> bool:
        """Whether an error is that the server cannot read this process's memory, which is then not tried again."""
        if error.type != "urn:segscore:memory-unreadable":
            return False
        self._unread.add(self.url)
        return True

    def _pool_at(self, url: str) -> HTTPConnectionPool:
        pools = self._pools.get()
        if url not in pools:
            pools[url] = self._make_pool(url)
        return pools[url]

    def attempts(self) -> Attempts:
        return Attempts(self._retries)

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        fields: Mapping[str, str] | None = None,
        body: Form | InPlace | Message | None = None,
    ) -> BaseHTTPResponse:
        """The answer to a request, whose body is still to be read.

        Every request may be sent again: those that add a job or a batch carry an `Idempotency-Key`, by which the server
        knows that it has them already.

        Raises
        ------
        SegscoreError
            The server refused the request, or did not answer (`UnreachableError`).
        """
        target = self._prefix + path + query_of(query)
        sent: dict[str, str] = {"Accept": "application/json", **self._fields, **(fields or {})}
        if body is not None:
            sent.update({"Content-Type": body.content_type, "Content-Length": str(body.length)})
        attempts = self.attempts()
        was_replaced = False
        while True:
            server = own_server.get() if self.is_own else None
            url = self.url if server is None else server.url
            if isinstance(body, InPlace):
                allow_reading(url)
            pool = self._pool_at(url)
            try:
                answer = pool.urlopen(
                    method,
                    target,
                    body=cast(Any, body),
                    headers=sent,
                    retries=False,
                    redirect=False,
                    preload_content=False,
                )
            except HTTPError as error:
                if server is not None and not was_replaced and own_server.replace(server):
                    was_replaced = True
                    continue
                unreachable = self.unreachable(error)
                if isinstance(error, SSLError):
                    raise unreachable from error  # The server would show the same certificate again.
                attempts.failed(unreachable)
                continue
            if answer.status < 300:
                return answer
            failure = problem_of(answer)
            if not is_temporary(failure):
                raise failure
            attempts.failed(failure, answer.headers.get("Retry-After"))

    def ask(self, method: str, path: str, **options: Any) -> Any:
        """The JSON answer to a request, read to its end; None if it is empty."""
        data = self.read(method, path, **options)
        return json.loads(data) if data else None

    def read(self, method: str, path: str, **options: Any) -> bytes:
        """The answer to a request, read to its end."""
        attempts = self.attempts()
        while True:
            with self.request(method, path, **options) as answer:
                try:
                    return answer.read()
                except HTTPError as error:
                    attempts.failed(self.unreachable(error))

    def save(self, target: BinaryIO, method: str, path: str, **options: Any) -> None:
        """Writes the answer to a request to a file, from its beginning, a block at a time."""
        attempts = self.attempts()
        while True:
            with self.request(method, path, **options) as answer:
                try:
                    target.writelines(answer.stream(BLOCK))
                    return
                except HTTPError as error:
                    attempts.failed(self.unreachable(error))
                    target.seek(0)
                    target.truncate()

    def unreachable(self, error: HTTPError) -> UnreachableError:
        """The error of a request that was not answered, with the last words of a server of this process's own."""
        title = "No connection" if isinstance(error, (NewConnectionError, ConnectTimeoutError)) else "No answer"
        server = own_server.running if self.is_own else None
        words = "" if server is None else server.last_words()
        return UnreachableError({"title": title, "detail": f"No answer from {self}: {error}" + (words and f".{words}")})

    def close(self) -> None:
        for pool in self._pools.get().values():
            pool.close()


def query_of(query: Mapping[str, Any] | None) -> str:
    """The query of a target: `?` and the parameters that are not None, or nothing if all are."""
    given = {name: value for name, value in (query or {}).items() if value is not None}
    return "?" + urlencode(given) if given else ""


def problem_of(answer: BaseHTTPResponse) -> SegscoreError:
    """The exception for an answer that is an error, be it from a proxy that knows no problem documents."""
    document: Any = None
    try:
        with answer:
            document = json.loads(answer.read())
    except (HTTPError, ValueError):
        pass
    if not isinstance(document, dict):
        document = {"title": answer.reason or "Error", "detail": f"The answer was {answer.status} {answer.reason}."}
    return error_of(answer.status, document)


def is_temporary(error: SegscoreError) -> bool:
    return error.status in (408, 429, 502, 503, 504) or (error.status == 409 and error.type in STILL_ARRIVING)
