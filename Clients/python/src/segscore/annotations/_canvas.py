"""The labels that annotations are painted on, and what their images and classes may be called in a tool's files."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from .._names import names_of
from ..job import Job

SHOWN = 3  # Names that a message lists.
MOST_CLASSES = 65_535
UPLOAD = re.compile(r"^[0-9a-f]{8}-")  # What Label Studio puts ahead of the names of files that are uploaded to it.


class Canvas:
    """The labels of all images, of which those that a tool has changed are painted over.

    Attributes
    ----------
    names : list[str]
        What the images are called.
    labels : list[np.ndarray]
        (H, W) of each image.
    class_names : list[str] | None
        What the classes are called, from 0 on; None if they have numbers alone.
    classes : int
        How many classes there may be.
    others : set[int]
        The labels of pixels that take no part, which pictures may have besides.
    has_images : bool
        Whether the job's arrays have an axis of images.
    """

    def __init__(
        self, names: Sequence[str], labels: list[np.ndarray], class_names: list[str] | None, classes: int | None
    ):
        self.names, self.labels, self.class_names = list(names), labels, class_names
        self.classes = MOST_CLASSES if classes is None else classes
        self.others = set() if classes is None else {255 if classes <= 255 else MOST_CLASSES}
        self.has_images = True
        self._images = _by_alias([_aliases_of_image(name, image) for image, name in enumerate(self.names)])
        self._numbers = _by_alias(_aliases_of_classes(class_names or []))
        self._seen: dict[int, str] = {}

    @classmethod
    def like(cls, like: Any, class_names: Sequence[str] | None, background: int | None) -> Canvas:
        """The labels of a job, or labels of one class for images of which the names and shapes are known.

        Raises
        ------
        ValueError
            The images have other dimensions than two, or there are not as many names as classes.
        TypeError
            This is neither a job nor a mapping of names to shapes, or `background` is not known.
        """
        if isinstance(like, Job):
            canvas = cls._of_job(like, class_names)
        elif isinstance(like, Mapping):
            if background is None:
                raise TypeError("of names and shapes, background is to say what pixels are that nothing covers")
            names = None if class_names is None else names_of(class_names)
            classes = None if names is None else len(names)
            dtype = _type(classes or MOST_CLASSES)
            canvas = cls(list(like), [np.zeros(shape, dtype) for shape in map(_shape, like.values())], names, classes)
        else:
            raise TypeError(f"like is a segscore.Job, or names with their (H, W), and not {type(like).__name__}")
        if background is not None:
            canvas.check(background, "background")
            for labels in canvas.labels:
                labels[...] = background
        return canvas

    @classmethod
    def _of_job(cls, job: Job, class_names: Sequence[str] | None) -> Canvas:
        classes = int(job.wait()._known_shape()["classes"])
        given = class_names if class_names is not None else job.document()["parameters"].get("class_names")
        names = None if given is None else names_of(given)
        if names is not None and len(names) != classes:
            raise ValueError(f"class_names are {len(names)}, and the job has {classes} classes")
        labels = job.labels()
        is_single = isinstance(labels, np.ndarray) and labels.ndim == 2
        images: list[np.ndarray] = list(labels[None] if isinstance(labels, np.ndarray) and is_single else labels)
        if any(image.ndim != 2 for image in images):
            raise ValueError("annotation tools take images of two dimensions, and those of the job have others")
        images = [image.astype(_type(classes), copy=False) for image in images]
        canvas = cls(job._file_names(), images, names, classes)
        canvas.has_images = not is_single
        canvas.others.update(value for image in images for value in np.unique(image).tolist() if value >= classes)
        return canvas

    def check(self, label: int, what: str) -> None:
        """Refuses what is no class.

        Raises
        ------
        ValueError
            It is none.
        """
        if not 0 <= label < self.classes and label not in self.others:
            raise ValueError(f"{what} is {label}, and classes are 0 to {self.classes - 1}")

    def image(self, *files: str, source: str = "") -> int:
        """The number of the image that a file is of, which is the first of a tool's that is.

        Parameters
        ----------
        files : str
            What the file may be called.
        source : str
            Where its name stands, for messages.

        Raises
        ------
        ValueError
            It is of no image, or of one that another file is of.
        """
        found = [image for image in map(self._image, files) if image is not None]
        if not found:
            names = ", ".join(map(repr, self.names[:SHOWN])) + (", …" if len(self.names) > SHOWN else "")
            raise ValueError(f"{source}: {' or '.join(map(repr, files)) or 'a task'} is of no image; these are {names}")
        image, file = found[0], files[0]
        if image in self._seen:
            raise ValueError(
                f"{source}: {self._seen[image]!r} and {file!r} are both of the image {self.names[image]!r}"
            )
        self._seen[image] = file
        return image

    def _image(self, file: str) -> int | None:
        """The image of a file, whose name may have folders ahead that images' names do not have, or lack theirs."""
        parts = [part for part in file.replace("\\", "/").split("/") if part]
        for start in range(len(parts)):
            whole = "/".join(parts[start:])
            for alias in (_without_suffix(whole), whole):
                if alias in self._images:
                    return self._images[alias]
        bare = UPLOAD.sub("", parts[-1]) if parts else ""
        return None if not bare or bare == parts[-1] else self._image(bare)

    def number(self, name: Any, source: str) -> int:
        """The class of a name.

        Raises
        ------
        ValueError
            No class is called so.
        """
        text = name if isinstance(name, str) else ""
        number = self._numbers.get(text)
        if number is None and self.class_names is None and text.isascii() and text.isdigit() and len(text) <= 5:
            number = int(text) if int(text) < self.classes else None
        if number is None:
            held = f"0 to {self.classes - 1}" if self.class_names is None else ", ".join(map(repr, self.class_names))
            raise ValueError(f"{source}: no class is called {name!r}; they are {held:.300}: give class_names")
        return number

    def check_size(self, image: int, height: Any, width: Any, source: str) -> None:
        """Refuses an image of another size.

        Raises
        ------
        ValueError
            It is of another size.
        """
        shape = self.labels[image].shape
        if (height, width) != shape:
            raise ValueError(
                f"{source}: the image {self.names[image]!r} is {width} x {height} pixels, and the labels have "
                f"{shape[1]} x {shape[0]}"
            )

    @property
    def missing(self) -> list[str]:
        """The names of the images that no file was of."""
        return [name for image, name in enumerate(self.names) if image not in self._seen]


def _type(classes: int) -> np.dtype[Any]:
    """The type of labels, which holds what pixels have that take no part too."""
    return np.dtype(np.uint8 if classes <= 255 else np.uint16)


def _shape(shape: Any) -> tuple[int, int]:
    height, width = shape
    if min(height, width) < 1:
        raise ValueError(f"an image has the shape {tuple(shape)}, and (H, W) are at least 1")
    return int(height), int(width)


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


def _aliases_of_image(name: str, image: int) -> tuple[list[str], ...]:
    """An image's name, those that exports have in its place, that without a suffix or folders, and its number."""
    kept = "".join("_" if unicodedata.category(letter) == "Cc" or letter == "\\" else letter for letter in name)
    listed = re.sub(r"^[\s#]|[\s#]$", "_", kept)
    last = name.rpartition("/")[2]
    return [name], [kept, listed], [_without_suffix(name)], [last, _without_suffix(last)], [f"{image:06}"]


def _without_suffix(name: str) -> str:
    """A name without what begins with the last dot of its last part, unless that part begins with it."""
    folder, slash, file = name.rpartition("/")
    return folder + slash + (file[: file.rindex(".")] if "." in file[1:] else file)


def _aliases_of_classes(names: list[str]) -> list[tuple[list[str], ...]]:
    """The classes' names, and those that exports have in their place, in which names differ and CVAT can hold them."""
    clean = [
        "".join(" " if unicodedata.category(letter) == "Cc" else letter for letter in name).strip() for name in names
    ]
    exported = _distinct(clean)
    listed = _distinct([re.sub("^#", "_", name.replace(":", "_")) for name in exported])
    return [([name], [other], [third]) for name, other, third in zip(names, exported, listed)]


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
