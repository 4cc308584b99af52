"""Folders of labels and of predictions, with a file for each image."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from ._readers import is_readable

SHOWN = 3  # Names that a message lists.


class Folders(NamedTuple):
    """The images of two folders, in the order of the bytes of their names, and the paths of their files."""

    names: list[str]
    labels: list[str]
    predictions: list[str]


def is_folder(data: Any) -> bool:
    """Whether this is the path of a folder, or one with a star in its last part that stands for the names of images."""
    if not isinstance(data, (str, os.PathLike)):
        return False
    path = os.fsdecode(data)
    return os.path.isdir(path) or ("*" in os.path.basename(path) and not os.path.exists(path))


def folders_of(labels: Any, predictions: Any, name: str) -> Folders | None:
    """The images of two folders; None if neither is a folder.

    Raises
    ------
    ValueError
        Only one of them is a folder, a file has no partner, or two files have one name.
    """
    if not is_folder(labels) and not is_folder(predictions):
        return None
    if not (is_folder(labels) and is_folder(predictions)):
        raise ValueError(f"a folder of labels goes with a folder of {name}")
    masks, outputs = _listed(labels, takes_png=True), _listed(predictions, takes_png=False)
    single = _single(masks, outputs, labels, predictions) + _single(outputs, masks, predictions, labels)
    if single:
        raise ValueError(" ".join(single))
    names = sorted(masks, key=os.fsencode)
    return Folders(names, [masks[each] for each in names], [outputs[each] for each in names])


def _listed(folder: Any, takes_png: bool) -> dict[str, str]:
    """The paths of the images' files, by name."""
    path, prefix, ending = os.fsdecode(folder), "", ""
    if not os.path.isdir(path):
        path, pattern = os.path.split(path)
        if pattern.count("*") != 1 or "*" in path:
            raise ValueError(f"{os.fsdecode(folder)} must have one star, in its last part, that stands for the name")
        prefix, ending = pattern.split("*")
    found: dict[str, str] = {}

    def fail(error: OSError) -> None:
        raise error

    for root, folders, files in os.walk(path or ".", onerror=fail):
        folders[:] = [each for each in folders if not each.startswith(".")]
        inner = os.path.relpath(root, path or ".")
        for file in files:
            name = _name(file, prefix, ending, takes_png)
            if name is None:
                continue
            whole = name if inner == "." else f"{inner}/{name}"
            if whole in found:
                both = " and ".join(sorted((found[whole], os.path.join(root, file))))
                raise ValueError(f"two files are of the name {whole}: {both}")
            found[whole] = os.path.join(root, file)
    if not found:
        raise ValueError(f"{os.fsdecode(folder)} has no files of images of a kind that is read here")
    return found


def _name(file: str, prefix: str, ending: str, takes_png: bool) -> str | None:
    """What the image of a file is called; None if it is of no image."""
    if file.startswith(".") or not _is_taken(file, takes_png):
        return None
    stem, suffix = os.path.splitext(file)
    if suffix.lower() == ".gz":
        stem = os.path.splitext(stem)[0]
    # An ending that names no kind of file is one of names without theirs.
    whole = file if _is_taken(ending, takes_png) else stem
    if len(whole) <= len(prefix) + len(ending) or not (whole.startswith(prefix) and whole.endswith(ending)):
        return None
    return whole[len(prefix) : len(whole) - len(ending)]


def _is_taken(file: str, takes_png: bool) -> bool:
    return is_readable(file) or (takes_png and file.lower().endswith(".png"))


def _single(files: dict[str, str], others: dict[str, str], folder: Any, other: Any) -> list[str]:
    names = sorted(files.keys() - others.keys(), key=os.fsencode)
    if not names:
        return []
    listed = ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")
    are = "is" if len(names) == 1 else "are"
    return [
        f"Of {len(files)} images in {os.fsdecode(folder)}, {len(names)} {are} not in {os.fsdecode(other)}: {listed}."
    ]
