"""What images and classes may be called in the files of annotation tools."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

UPLOAD = re.compile(r"^[0-9a-f]{8}-")  # What Label Studio puts ahead of the names of files that are uploaded to it.


SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".npy", ".npz")


class ImageNames:
    """Images by what tools call their files.

    Parameters
    ----------
    are_numbered : bool
        Whether files may be called by the images' numbers too, of six digits.
    """

    def __init__(self, names: Sequence[str], are_numbered: bool = False):
        aliases = [_aliases_of_image(name) for name in names]
        if are_numbered:
            aliases = [[*ranks, [f"{image:06}"]] for image, ranks in enumerate(aliases)]
        self._images = _by_alias(aliases)

    def find(self, file: str) -> int | None:
        """The image of a file, whose name may have folders ahead that images' names do not have, or lack theirs."""
        parts = [part for part in file.replace("\\", "/").split("/") if part]
        for start in range(len(parts)):
            whole = "/".join(parts[start:])
            for alias in (_without_suffix(whole), whole):
                if alias in self._images:
                    return self._images[alias]
        bare = UPLOAD.sub("", parts[-1]) if parts else ""
        return None if not bare or bare == parts[-1] else self.find(bare)


def _by_alias(aliases: Sequence[Sequence[Sequence[str]]]) -> dict[str, int]:
    """What each alias stands for: an earlier rank wins over a later, and an alias of two in one rank is none."""
    found: dict[str, int] = {}
    for rank in range(max(map(len, aliases), default=0)):
        here: dict[str, set[int]] = {}
        for number, ranks in enumerate(aliases):
            for alias in ranks[rank]:
                here.setdefault(alias, set()).add(number)
        for alias, numbers in here.items():
            if len(numbers) == 1:
                found.setdefault(alias, numbers.pop())
    return found


def _aliases_of_image(name: str) -> list[list[str]]:
    """An image's name, those that exports have in its place, and that without a suffix or folders."""
    kept = "".join("_" if unicodedata.category(letter) == "Cc" or letter == "\\" else letter for letter in name)
    listed = re.sub(r"^[\s#]|[\s#]$", "_", kept)
    bare = _without_suffix(name) if name.lower().endswith(SUFFIXES) else name
    return [[name], [kept, listed], [bare], [each.rpartition("/")[2] for each in (name, bare)]]


def _without_suffix(name: str) -> str:
    """A name without what begins with the last dot of its last part, unless that part begins with it."""
    folder, slash, file = name.rpartition("/")
    return folder + slash + (file[: file.rindex(".")] if "." in file[1:] else file)


def aliases_of_classes(names: list[str]) -> dict[str, int]:
    """Classes by their names, and by those that exports have in their place, which differ and which CVAT can hold."""
    clean = [
        "".join(" " if unicodedata.category(letter) == "Cc" else letter for letter in name).strip() for name in names
    ]
    exported = _distinct(clean)
    listed = _distinct([re.sub("^#", "_", name.replace(":", "_")) for name in exported])
    return _by_alias([([name], [other], [third]) for name, other, third in zip(names, exported, listed)])


def _distinct(names: Iterable[str]) -> list[str]:
    """The names, with the class's number in place of an empty one and behind one that another class has."""
    filled = [name or str(number) for number, name in enumerate(names)]
    # The server takes names for equal that are composed of the same letters and accents.
    forms = [unicodedata.normalize("NFC", name) for name in filled]
    unique = {form for form, count in Counter(forms).items() if count == 1}
    taken = set(unique)
    made = []
    for number, (name, form) in enumerate(zip(filled, forms)):
        if form not in unique:
            name = f"{name} ({number})"
            while unicodedata.normalize("NFC", name) in taken:
                name += "'"
            taken.add(unicodedata.normalize("NFC", name))
        made.append(name)
    return made
