"""The files that an annotation tool has exported: those of a folder or of a zip, or a single one.

Nothing of a zip is unpacked to the disk, and no more of a file is read than it may have.
"""

from __future__ import annotations

import os
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

MOST_BYTES = 1 << 30
"""How long a document may be: one that is parsed takes several times as much memory."""


class Files(Protocol):
    """Files by their names: relative paths, with slashes between their parts."""

    @property
    def names(self) -> list[str]: ...

    def read(self, name: str, most: int = MOST_BYTES) -> bytes:
        """A whole file.

        Raises
        ------
        ValueError
            It has more than `most` bytes, or is damaged.
        """
        ...


class Folder:
    """The files beneath a folder, without those whose names begin with a dot; or a single file."""

    def __init__(self, path: Path):
        self._paths = {path.name: path}
        if path.is_dir():
            self._paths = {}
            for root, folders, files in os.walk(path):
                folders[:] = sorted(each for each in folders if not each.startswith("."))
                paths = [Path(root, file) for file in sorted(files) if not file.startswith(".")]
                self._paths.update((each.relative_to(path).as_posix(), each) for each in paths)
        self.names = list(self._paths)

    def read(self, name: str, most: int = MOST_BYTES) -> bytes:
        with open(self._paths[name], "rb") as file:
            data = file.read(most + 1)
        if len(data) > most:
            raise ValueError(f"{name} has more than {most} bytes")
        return data


class Zip:
    """The files of a zip, each of which is read when it is asked for.

    Raises
    ------
    ValueError
        This is no zip, or it has names that lead elsewhere, or one twice.
    """

    def __init__(self, path: Path):
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError) as error:
            # Where places in it make no sense, Python before 3.11 finds that it cannot go there.
            raise ValueError(f"{path} is no zip that can be read: {error}") from error
        self._infos: dict[str, zipfile.ZipInfo] = {}
        for info in self._zip.infolist():
            parts = info.filename.split("/")
            if not info.filename or "\\" in info.filename or info.filename.startswith("/") or ".." in parts:
                raise ValueError(f"{path} has the file {info.filename!r}, whose name leads out of it")
            if info.is_dir() or parts[0] == "__MACOSX" or any(part.startswith(".") for part in parts):
                continue
            if info.filename in self._infos:
                raise ValueError(f"{path} has the file {info.filename!r} twice")
            self._infos[info.filename] = info
        self.names = sorted(self._infos)

    def read(self, name: str, most: int = MOST_BYTES) -> bytes:
        info = self._infos[name]
        # No more than this is read, whatever is compressed there.
        if info.file_size > most:
            raise ValueError(f"{name} has {info.file_size} bytes, which are more than {most}")
        if info.flag_bits & 1:
            raise ValueError(f"{name} is encrypted")
        try:
            return self._zip.read(info)
        except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, RuntimeError) as error:
            raise ValueError(f"{name} cannot be read: {error}") from error
        except Exception as error:  # Each way of compression has errors of its own, as zlib.error.
            raise ValueError(f"{name} is damaged: {error}") from error


def files_at(path: Any) -> Files:
    """The files of a folder or a zip, or a single file.

    Raises
    ------
    FileNotFoundError
        There is nothing at the path.
    ValueError
        It is a zip that is damaged.
    """
    there = Path(os.fsdecode(path))
    if not there.exists():
        raise FileNotFoundError(f"there is no {there}")
    if there.is_file() and zipfile.is_zipfile(there):
        return Zip(there)
    return Folder(there)


def ending(name: str) -> str:
    """The suffix of a name, in small letters."""
    return PurePosixPath(name).suffix.lower()
