"""Values that a forked process does not share with its parent."""

from __future__ import annotations

import os
from typing import Callable, Generic, TypeVar

from ._pool import leave_to_parent

Value = TypeVar("Value")

# How many forks lie between the process that imported the package and this one. The process id alone would not tell the
# two apart, since the system uses ids again.
_forks = 0


class OfProcess(Generic[Value]):
    """A value that every process has of its own; a forked one makes it when it first asks for it."""

    def __init__(self, make: Callable[[], Value]):
        self._make = make
        self._made = (self._process(), make())

    def get(self) -> Value:
        process, value = self._made
        if process != self._process():
            value = self._make()
            self._made = (self._process(), value)
        return value

    @staticmethod
    def _process() -> tuple[int, int]:
        return os.getpid(), _forks


def _begin_child() -> None:
    global _forks
    _forks += 1
    leave_to_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_child)
