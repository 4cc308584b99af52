"""What can go wrong with a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class SegscoreError(Exception):
    """The server refused a request, or failed. Carries its problem document (RFC 9457).

    400 and 422 are raised as `InvalidInputError`, which is also a `ValueError`. If no answer comes, that is an
    `UnreachableError`, which is also a `ConnectionError`.

    Attributes
    ----------
    problem : Mapping[str, Any]
        The whole document.
    status : int | None
        The HTTP status; None if there was no answer.
    type : str
        A stable name to switch on, such as `urn:segscore:label-out-of-range`.
    title, detail
        What kind of problem it is, and what is wrong this time.
    parameter : str | None
        The parameter or array at fault, if there is one.
    expected, actual
        What would have been right, and what came, if the server says so.
    """

    def __init__(self, problem: Mapping[str, Any]):
        super().__init__(dict(problem))
        self.problem = dict(problem)
        self.status: int | None = problem.get("status")
        self.type: str = problem.get("type", "about:blank")
        self.title: str = problem.get("title", "Error")
        self.detail: str = problem.get("detail", self.title)
        self.parameter: str | None = problem.get("parameter")
        self.expected: Any = problem.get("expected")
        self.actual: Any = problem.get("actual")

    def __reduce__(self) -> tuple[Any, ...]:
        # Whoever hands an error on may have appended to `args`, as Ray Data does, which `__init__` would not take.
        return type(self), (self.problem,)

    def __str__(self) -> str:
        return self.detail if self.status is None else f"{self.detail} ({self.status}, {self.type})"


class InvalidInputError(SegscoreError, ValueError):
    """400 or 422: the parameters or the arrays are not what they should be."""


class UnreachableError(SegscoreError, ConnectionError):
    """No answer came, however often the request was sent."""


class JobEndedError(SegscoreError):
    """A job whose results were waited for has failed, or was canceled."""


InvalidInput = InvalidInputError
"""The former name of `InvalidInputError`, kept for programs that use it."""

Unreachable = UnreachableError
"""The former name of `UnreachableError`, kept for programs that use it."""

JobEnded = JobEndedError
"""The former name of `JobEndedError`, kept for programs that use it."""


def error_of(status: int, problem: Mapping[str, Any]) -> SegscoreError:
    """The exception for an answer of this status."""
    kind = InvalidInputError if status in (400, 422) else SegscoreError
    return kind({"status": status, **problem})
