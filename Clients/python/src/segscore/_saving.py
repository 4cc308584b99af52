"""Files that are written under the names of images, within one folder."""

from __future__ import annotations

import os
import pathlib
import re
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

SEPARATORS = r"[/\\]" if os.name == "nt" else "/"


def paths_within(folder: Any, names: Iterable[str], ending: str) -> list[pathlib.Path]:
    """The paths of files in a folder, one for each name. Nothing is written yet.

    Raises
    ------
    ValueError
        A name leads out of the folder: it is absolute, has `..`, or goes through a symbolic link to elsewhere.
    """
    root = pathlib.Path(os.fsdecode(folder))
    real = os.path.realpath(root)
    paths = []
    inside: set[pathlib.Path] = set()  # The folders that are known to be within.
    for name in names:
        parts = re.split(SEPARATORS, name)
        if "\0" in name or os.path.splitdrive(name)[0] or any(part in ("", ".", "..") for part in parts):
            raise ValueError(f"the name {name!r} of an image does not name a file within {root}")
        path = root.joinpath(*parts[:-1], parts[-1] + ending)
        if path.parent not in inside:
            there = os.path.realpath(path.parent)
            if os.path.commonpath([real, there]) != real:
                raise ValueError(f"the name {name!r} of an image leads out of {root}, to {there}")
            inside.add(path.parent)
        paths.append(path)
    return paths


def replace(path: pathlib.Path, data: bytes) -> None:
    """Writes a file whole, or leaves what was there. The folders that it lies in are made."""
    with replacing(path) as file:
        file.write(data)


@contextmanager
def replacing(path: pathlib.Path) -> Iterator[BinaryIO]:
    """A file to be written, which takes the place of another once it is whole; an exception leaves what was there.

    The folders that it lies in are made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.parent / f".{uuid.uuid4().hex}.part"
    try:
        with open(new, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
