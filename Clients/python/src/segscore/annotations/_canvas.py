"""The labels that annotations are painted on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .._names import names_of
from ..job import Job
from ._aliases import ImageNames, aliases_of_classes

SHOWN = 3  # Names that a message lists.
MOST_CLASSES = 65_535


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
        self,
        names: Sequence[str],
        labels: list[np.ndarray],
        class_names: list[str] | None,
        classes: int | None,
        are_numbered: bool = False,
    ):
        self.names, self.labels, self.class_names = list(names), labels, class_names
        self.classes = MOST_CLASSES if classes is None else classes
        self.others = set() if classes is None else {255 if classes <= 255 else MOST_CLASSES}
        self.has_images = True
        self._images = ImageNames(self.names, are_numbered)
        self._numbers = aliases_of_classes(class_names or [])
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
        names = job._class_names() if class_names is None else names_of(class_names)
        if names is not None and len(names) != classes:
            raise ValueError(f"class_names are {len(names)}, and the job has {classes} classes")
        labels = job.labels()
        is_single = isinstance(labels, np.ndarray) and labels.ndim == 2
        images: list[np.ndarray] = list(labels[None] if isinstance(labels, np.ndarray) and is_single else labels)
        if any(image.ndim != 2 for image in images):
            raise ValueError("annotation tools take images of two dimensions, and those of the job have others")
        images = [image.astype(_type(classes), copy=False) for image in images]
        # Where this process alone knows names, the server calls files by numbers.
        are_numbered = job.names is not None and job._server_names() is None
        canvas = cls(job._file_names(), images, names, classes, are_numbered)
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
        found = [image for image in map(self._images.find, files) if image is not None]
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
