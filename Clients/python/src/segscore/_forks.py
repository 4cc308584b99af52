"""What a process that was forked does not share with its parent."""

from __future__ import annotations

import os
from typing import Callable, Generic, TypeVar

from ._pool import leave_to_parent

Value = TypeVar("Value")

# How many forks lie between the process that imported the package and this one, whose number may be that of its parent.
_forks = 0


class OfProcess(Generic[Value]):
    """A value of which every process makes one of its own."""

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
