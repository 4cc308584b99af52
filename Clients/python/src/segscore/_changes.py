"""What is different between two sets of labels of the same images, and between the jobs that scored them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _html
from ._tables import pandas_for
from .job import Job

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = {
    "image": "int64",
    "name": "object",
    "pixels": "int64",
    "regions": "int64",
    "score_before": "float64",
    "score_after": "float64",
    "issues_before": "Int64",
    "issues_after": "Int64",
}
MOST_IMAGES = 10_000  # How many images the server ranks at once.


@dataclasses.dataclass(frozen=True)
class ChangedImage:
    """How much of an image was changed.

    Attributes
    ----------
    image : int
        The number of the image.
    name : str
        What it is called.
    pixels : int
        How many pixels have another label.
    regions : int
        How many regions these are: neighbouring pixels, corners included, of one label before and one label after.
    score_before, score_after : float | None
        The image's scores, if jobs are compared.
    issues_before, issues_after : int | None
        How many of its pixels the jobs' rankings count, if jobs are compared and rank no more than 10,000 images.
    """

    image: int
    name: str
    pixels: int
    regions: int
    score_before: float | None = None
    score_after: float | None = None
    issues_before: int | None = None
    issues_after: int | None = None


class Changes:
    """What is different between two sets of labels. In a notebook it shows the images that were changed most.

    Attributes
    ----------
    images : list[ChangedImage]
        All images, in their order.
    labels : np.ndarray
        The labels that pixels had or have that were changed, ascending.
    matrix : np.ndarray
        int64, (L, L) for L labels: how many pixels had `labels[i]` before and have `labels[j]` after.
    """

    def __init__(
        self,
        before: list[np.ndarray],
        after: list[np.ndarray],
        images: list[ChangedImage],
        labels: np.ndarray,
        matrix: np.ndarray,
        class_names: list[str] | None = None,
    ):
        self.images = images
        self.labels = labels
        self.matrix = matrix
        self._before, self._after = before, after
        self._class_names = class_names

    @property
    def pixels(self) -> int:
        """How many pixels have another label."""
        return sum(image.pixels for image in self.images)

    @property
    def regions(self) -> int:
        """How many regions these are."""
        return sum(image.regions for image in self.images)

    @property
    def changed(self) -> list[ChangedImage]:
        """The images with pixels that have another label, most of them first."""
        return sorted((each for each in self.images if each.pixels), key=lambda each: (-each.pixels, each.image))

    def __repr__(self) -> str:
        return f"<segscore.Changes: {self._told()}>"

    def _told(self) -> str:
        count = len(self.changed)
        return (
            f"{_counted(self.pixels, 'pixel')} in {_counted(self.regions, 'region')}, "
            f"{count:,} of {_counted(len(self.images), 'image')}"
        )

    def to_dataframe(self) -> pd.DataFrame:
        """A table with a row for each image and a column for each attribute of a `ChangedImage`.

        Raises
        ------
        ImportError
            pandas is not installed.
        """
        pandas = pandas_for("to_dataframe")
        rows = [dataclasses.astuple(image) for image in self.images]
        return pandas.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)

    def matrix_dataframe(self) -> pd.DataFrame:
        """`matrix` as a table: a row for each label before, a column for each after, by the classes' names if they have
        some.

        Raises
        ------
        ImportError
            pandas is not installed.
        """
        pandas = pandas_for("matrix_dataframe")
        names = [self._class(label) for label in self.labels.tolist()]
        index = pandas.Index(names, name="before")
        return pandas.DataFrame(self.matrix, index=index, columns=pandas.Index(names, name="after"))

    def _class(self, label: int) -> Any:
        names = self._class_names
        return label if names is None or label >= len(names) else names[label]

    def _repr_html_(self) -> str:
        """What notebooks show: the images that were changed most, and which classes became which."""
        shown = self.changed[: _html.SHOWN]
        classes = max((int(labels.max(initial=0)) for labels in self._before + self._after), default=0) + 1
        cards = [
            _html.Change(image.name, _caption(image), self._before[image.image], self._after[image.image], classes)
            for image in shown
        ]
        pairs = [
            (int(self.matrix[row, column]), str(self._class(before)), str(self._class(after)))
            for row, before in enumerate(self.labels.tolist())
            for column, after in enumerate(self.labels.tolist())
            if self.matrix[row, column]
        ]
        pairs.sort(key=lambda pair: -pair[0])
        more = "" if len(shown) == len(self.changed) else f", the {len(shown)} with most"
        return _html.changes(f"Changes: {self._told()}{more}", cards, pairs)


def _caption(image: ChangedImage) -> str:
    text = f"{_counted(image.pixels, 'pixel')} in {_counted(image.regions, 'region')}"
    if image.score_before is not None and image.score_after is not None:
        text += f", score {image.score_before:.4f} → {image.score_after:.4f}"
    if image.issues_before is not None and image.issues_after is not None:
        text += f", issues {image.issues_before:,} → {image.issues_after:,}"
    return text


def changes(before: Any, after: Any) -> Changes:
    """What is different between labels before and after, as those of a job and what an annotation tool made of them.

    Of two jobs, the scores of images and how many issues they have are compared too.

    Parameters
    ----------
    before, after : Job | Annotations | array_like
        Labels of the same images, in the same order: those that a job has, those of `annotations.read`, or integers
        (N, H, W), (H, W), or a list of (H, W).

    Raises
    ------
    ValueError
        There are not as many images, or one is of another size.
    """
    first, second = _images(before), _images(after)
    if [image.shape for image in first] != [image.shape for image in second]:
        raise ValueError(
            f"before and after must be of the same images: {len(first)} of {_shapes(first)}, and {len(second)} of "
            f"{_shapes(second)}"
        )
    numbers = [str(image) for image in range(len(first))]
    names = next((found for found in map(_names, (before, after)) if found), numbers)
    found: dict[tuple[int, int], int] = {}
    images = []
    for image, (old, new) in enumerate(zip(first, second)):
        places, pairs, codes = _changed(old, new)
        for code, count in zip(*np.unique(codes, return_counts=True)):
            pair = pairs[code]
            found[pair] = found.get(pair, 0) + int(count)
        images.append(ChangedImage(image, names[image], len(codes), _count_regions(places, codes)))
    labels = np.array(sorted({label for pair in found for label in pair}), np.int64)
    matrix = np.zeros((len(labels), len(labels)), np.int64)
    for (old_label, new_label), count in found.items():
        matrix[np.searchsorted(labels, old_label), np.searchsorted(labels, new_label)] = count
    if isinstance(before, Job) and isinstance(after, Job):
        images = _scored(images, before, after)
    class_names = next((found for found in map(_class_names, (before, after)) if found), None)
    return Changes(first, second, images, labels, matrix, class_names)


def _changed(old: np.ndarray, new: np.ndarray) -> tuple[np.ndarray, list[tuple[int, int]], np.ndarray]:
    """Where pixels were changed, (M, 2) of rows and columns in order, the pairs of labels, and each pixel's pair."""
    places = np.argwhere(old != new)
    at = tuple(places.T)
    both = np.stack([old[at].astype(np.int64), new[at].astype(np.int64)], axis=1)
    pairs, codes = np.unique(both, axis=0, return_inverse=True)
    return places, [(int(before), int(after)) for before, after in pairs], codes.reshape(-1)


def _count_regions(places: np.ndarray, codes: np.ndarray) -> int:
    """How many groups of neighbours there are, corners included, of pixels of one pair of labels.

    Runs along rows are joined with those above, each at the root of its tree.
    """
    if not len(codes):
        return 0
    rows, columns = places[:, 0], places[:, 1]
    begins = np.ones(len(codes), bool)
    begins[1:] = (np.diff(rows) != 0) | (np.diff(columns) != 1) | (np.diff(codes) != 0)
    first = np.flatnonzero(begins)
    last = np.append(first[1:], len(codes)) - 1
    runs = list(zip(rows[first].tolist(), columns[first].tolist(), columns[last].tolist(), codes[first].tolist()))
    root = list(range(len(runs)))

    def find(run: int) -> int:
        while root[run] != run:
            root[run] = root[root[run]]
            run = root[run]
        return run

    count, above = len(runs), 0
    for run, (row, start, end, code) in enumerate(runs):
        # Of the row above, what ends ahead of this run's corner meets none of the runs behind it either.
        while runs[above][0] < row - 1 or (runs[above][0] == row - 1 and runs[above][2] < start - 1):
            above += 1
        other = above
        while runs[other][0] == row - 1 and runs[other][1] <= end + 1:
            if runs[other][3] == code and (one := find(run)) != (two := find(other)):
                root[one] = two
                count -= 1
            other += 1
    return count


def _images(data: Any) -> list[np.ndarray]:
    labels = data.labels() if isinstance(data, Job) else getattr(data, "labels", data)
    if isinstance(labels, (list, tuple)):
        images = [np.asarray(image) for image in labels]
    else:
        array = np.asarray(labels)
        images = [array] if array.ndim == 2 else list(array)
    if any(image.ndim != 2 or image.dtype.kind not in "biu" for image in images):
        raise ValueError("labels are integers (N, H, W), (H, W), or a list of (H, W)")
    return images


def _shapes(images: list[np.ndarray]) -> str:
    shapes = sorted({image.shape for image in images})
    return ", ".join(map(str, shapes[:3])) + (", …" if len(shapes) > 3 else "")


def _names(data: Any) -> list[str] | None:
    return data._image_names() if isinstance(data, Job) else getattr(data, "names", None)


def _class_names(data: Any) -> list[str] | None:
    return data._class_names() if isinstance(data, Job) else getattr(data, "class_names", None)


def _scored(images: list[ChangedImage], before: Job, after: Job) -> list[ChangedImage]:
    """The images with what two jobs say of them."""
    scores = [job.image_scores().tolist() for job in (before, after)]
    issues = [_issues(job, len(images)) for job in (before, after)]
    return [
        dataclasses.replace(
            each,
            score_before=scores[0][each.image],
            score_after=scores[1][each.image],
            issues_before=issues[0].get(each.image),
            issues_after=issues[1].get(each.image),
        )
        for each in images
    ]


def _issues(job: Job, images: int) -> dict[int, int]:
    """How many issues each image has, if the server tells that at once."""
    if images > MOST_IMAGES:
        return {}
    return {each.image: each.num_pixel_issues for each in job.ranking(images)}


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
