"""Sends requests to a server, some of them again, and reads the answers."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import partial
from typing import Any, cast
from urllib.parse import urlencode

from urllib3 import BaseHTTPResponse
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, SSLError

from ._attempts import Attempts
from ._forks import OfProcess
from ._form import Form
from ._pool import Verify, pool_for
from ._version import __version__
from .errors import SegscoreError, UnreachableError, error_of

# A request that was sent again may be refused so as long as the server has not noticed that the connection is lost over
# which the same request came before.
STILL_ARRIVING = ("urn:segscore:request-arriving", "urn:segscore:batch-arriving")


class Transport:
    """Speaks HTTP with one server. It may be used by several threads.

    A forked process makes connections of its own, and so does a process that unpickles the transport.
    """

    def __init__(self, url: str, api_key: str | None, verify: Verify, timeout: float, retries: int):
        self.url = url.rstrip("/")
        if not isinstance(verify, bool):
            # The file is read again by other processes, whose working directory may be another.
            verify = os.path.abspath(verify)
        self._arguments = (url, api_key, verify, timeout, retries)
        self._pools = OfProcess(partial(pool_for, self.url, timeout, verify))
        rest = "" if url.startswith("unix:") else self.url.partition("://")[2]
        self._prefix = rest[rest.index("/") :] if "/" in rest else ""
        self._fields = {"User-Agent": f"segscore-python/{__version__}"}
        if api_key:
            self._fields["Authorization"] = f"Bearer {api_key}"
        self._retries = retries

    def __reduce__(self) -> tuple[type[Transport], tuple[str, str | None, Verify, float, int]]:
        return Transport, self._arguments

    @property
    def _pool(self) -> HTTPConnectionPool:
        return self._pools.get()

    def attempts(self) -> Attempts:
        return Attempts(self._retries)

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        fields: Mapping[str, str] | None = None,
        body: Form | None = None,
    ) -> BaseHTTPResponse:
        """The answer to a request, whose body is still to be read.

        Every request may be sent again: those that add a job or a batch carry an `Idempotency-Key`, by which the server
        knows that it has them already.

        Raises:
            SegscoreError: The server refused the request, or did not answer (`UnreachableError`).
        """
        target = self._prefix + path + query_of(query)
        sent: dict[str, str] = {"Accept": "application/json", **self._fields, **(fields or {})}
        if body is not None:
            sent.update({"Content-Type": body.content_type, "Content-Length": str(body.length)})
        attempts = self.attempts()
        while True:
            try:
                answer = self._pool.urlopen(
                    method,
                    target,
                    body=cast(Any, body),
                    headers=sent,
                    retries=False,
                    redirect=False,
                    preload_content=False,
                )
            except HTTPError as error:
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

    def unreachable(self, error: HTTPError) -> UnreachableError:
        title = "No connection" if isinstance(error, (NewConnectionError, ConnectTimeoutError)) else "No answer"
        return UnreachableError({"title": title, "detail": f"No answer from {self.url}: {error}"})

    def close(self) -> None:
        self._pool.close()


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
