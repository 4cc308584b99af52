"""Values that a forked process does not share with its parent."""

from __future__ import annotations

import os
from typing import Callable, Generic, TypeVar

from ._pool import leave_to_parent

Value = TypeVar("Value")

# How many forks lie between the process that imported the package and this one. The process id alone would not tell the
# two apart, since the system uses ids again.
_forks = 0


def this_process() -> tuple[int, int]:
    """What tells this process from all that it was forked from."""
    return os.getpid(), _forks


class OfProcess(Generic[Value]):
    """A value that every process has of its own; a forked one makes it when it first asks for it."""

    def __init__(self, make: Callable[[], Value]):
        self._make = make
        self._made = (this_process(), make())

    def get(self) -> Value:
        process, value = self._made
        if process != this_process():
            value = self._make()
            self._made = (this_process(), value)
        return value


def _begin_child() -> None:
    global _forks
    _forks += 1
    leave_to_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_child)
