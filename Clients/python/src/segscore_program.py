"""Finds the program that the package comes with, and is the command `segscore`.

It stands beside the package, whose import takes longer than the program does for most of what it is asked.
"""

from __future__ import annotations

import os
import sys


def find_program() -> str | None:
    """The path of the program: what `SEGSCORE_PROGRAM` names, else what lies in the package, if there is any."""
    packaged = os.path.join(os.path.dirname(os.path.abspath(__file__)), "segscore", "_program", "segscore")
    return os.environ.get("SEGSCORE_PROGRAM") or (packaged if os.path.exists(packaged) else None)


def main() -> None:
    """Becomes the program, with the same arguments."""
    program = find_program()
    if program is None:
        sys.exit(
            "segscore: this package comes without the program, which there is for Linux on x86-64. "
            "SEGSCORE_PROGRAM names one that was built elsewhere."
        )
    try:
        os.execv(program, ["segscore", *sys.argv[1:]])
    except OSError as error:
        sys.exit(f"segscore: the program {program} does not start: {error}")
