"""Reduced predictions of many images, and what is found by them."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import dask.array as da
import numpy as np
from dask.base import persist, tokenize

from .._image_scores import checked_temperature
from . import _tasks
from ._graphs import by_blocks
from ._marks import Marks
from ._parts import Part
from ._regions import region_table
from ._summary import image_table, marked_pair_table


@dataclasses.dataclass(frozen=True)
class Reduction:
    """What scores need of the predictions of many images, lazily, about 10 bytes a pixel; `reduce` makes it.

    All that is found by it is lazy too. What is computed together reduces each block once, and what is computed after
    `persist` reduces none::

        issues, statistics = dask.compute(reduction.find_label_issues(), reduction.statistics())

    While label issues are found, the workers keep 6 of these bytes, own probabilities, classes and labels, from the
    first reading to the end, and `largest` until the second round. A bar of the progress is Dask's own:
    `dask.diagnostics.ProgressBar`, or `distributed.progress` of what is persisted.

    Attributes
    ----------
    parts : tuple[Part, ...]
        The images of each array of labels. They may be of several sizes, and decide together.
    is_list : bool
        Whether labels came as a list of arrays, so that arrays of results come as lists.
    downsample : int
        The extent of the blocks of pixels that label issues are looked for in.
    split_every : int
        How many results a task merges.
    """

    parts: tuple[Part, ...]
    is_list: bool
    downsample: int
    split_every: int

    @property
    def own(self) -> Any:
        """The probability of each pixel's label, (N, H, W), float32 or float64; 1 where it is ignored."""
        return self._listed([part.own for part in self.parts])

    @property
    def largest(self) -> Any:
        """Each pixel's largest probability, (N, H, W), in the type of `own`."""
        return self._listed([part.largest for part in self.parts])

    @property
    def predicted(self) -> Any:
        """The class of the largest probability, the first of equals, uint8 or uint16 (N, H, W)."""
        return self._listed([part.predicted for part in self.parts])

    @property
    def labels(self) -> Any:
        """The class of each pixel's label, uint8 or uint16 (N, H, W); 255 or 65535 where it takes no part."""
        return self._listed([part.labels for part in self.parts])

    def persist(self, **kwargs: Any) -> Reduction:
        """Reduces now, and keeps what is reduced in the memory of the workers, for several computations.

        Parameters
        ----------
        **kwargs
            Those of `dask.persist`.
        """
        [persisted] = persist(self, **kwargs)
        assert isinstance(persisted, Reduction)
        return persisted

    def find_label_issues(self) -> Any:
        """Finds label issues by confident learning over all images.

        Returns
        -------
        dask.array.Array
            A mask, bool (N, H, W), True at a label issue. A `DataArray` if labels are one, and a list if these are.
        """
        masks = [self._marks.mask(index, part.chunks) for index, part in enumerate(self.parts)]
        return self._pixels(masks, "label_issues")

    def get_label_quality_scores(self, *, method: str = "softmin", temperature: float | None = None) -> tuple[Any, Any]:
        """Scores every image and every pixel.

        Parameters
        ----------
        method : str
            `softmin` scores an image by the softmin of its pixels' scores, `num_pixel_issues` by the share of its
            pixels that are no label issues, `margin` by how far the model is from the labels where it contradicts them.
        temperature : float | None
            That of softmin, by default 0.1.

        Returns
        -------
        tuple[dask.array.Array, dask.array.Array]
            The image scores, float64 (N,), and the pixel scores, (N, H, W), which are `own`. Low is suspect. Each is a
            `DataArray` if labels are one, and a list if these are.

        Raises
        ------
        ValueError
            The method is not known, or the temperature is not above 0.
        """
        temperature = checked_temperature(method, temperature)
        if method == "softmin":
            scores = [_softmin(part, temperature) for part in self.parts]
        elif method == "margin":
            scores = [_margins(part) for part in self.parts]
        else:
            scores = [self._marks.image_scores(index) for index in range(len(self.parts))]
        framed = [
            array if part.frame is None else part.frame.images(array, "image_scores")
            for part, array in zip(self.parts, scores)
        ]
        return self._listed(framed), self._pixels([part.own for part in self.parts], "pixel_scores")

    def common_label_issues(
        self, *, class_names: Sequence[str] | None = None, exclude: Sequence[int] | None = None, top: int | None = None
    ) -> Any:
        """Counts label issues by their label and by the class that is most probable there.

        Parameters
        ----------
        class_names : Sequence[str] | None
            What to call the classes, from 0 on; by default "0", "1" and so on. Where a class with issues has no name,
            computing the table raises ValueError.
        exclude : Sequence[int] | None
            Leaves out the pixels for which one of these classes is the most probable.
        top : int | None
            How many pairs to list at most, by default 20.

        Returns
        -------
        dask.dataframe.DataFrame
            A table with the columns `given_label`, `predicted_label` and `num_pixel_issues`, most issues first, in one
            partition.
        """
        options = {"class_names": class_names, "exclude": exclude, "top": top}
        return marked_pair_table(self._marks, self.parts, self.split_every, **options)

    def to_dataframe(self) -> Any:
        """The images with their scores.

        Returns
        -------
        dask.dataframe.DataFrame
            A table with the columns `image`, the number of each image, `score`, its score by `num_pixel_issues`, and
            `num_pixel_issues`, how many label issues it has. Images of a list of arrays are counted on from one to the
            next. There is a partition for each block of images.
        """
        return image_table(self._marks)

    def regions(self, *, of: str = "label_issues") -> Any:
        """The regions of label issues: neighbouring pixels of one label for which the model suggests the same class.

        Parameters
        ----------
        of : str
            `label_issues`, or `disagreements` for the regions of all pixels that are predicted as another class than
            their label, for which nothing has to be decided over all images.

        Returns
        -------
        dask.dataframe.DataFrame
            A table with the columns that `Regions.to_dataframe` has of a job: `image`, `given`, `suggested`, the box
            `x`, `y`, `width` and `height`, `area`, `thickness`, `touches_border`, `mean_own`, `mean_largest` and
            `mass`; of volumes also `slice_0` and so on. There is a partition for each block of images, and in it they
            are in the order of images and of their first pixels. `nlargest(50, "mass")` gives the worst.

        Raises
        ------
        ValueError
            `of` is something else, or some images have more axes than others.
        """
        if of not in ("label_issues", "disagreements"):
            raise ValueError(f"of must be 'label_issues' or 'disagreements', and is {of!r}")
        if len({len(part.chunks) for part in self.parts}) > 1:
            raise ValueError("regions of images and of volumes are tables of other columns: ask for them apart")
        return region_table(self._marks, self.parts, of)

    def statistics(self) -> Any:
        """The numbers that decided which pixels are label issues.

        Returns
        -------
        dask.delayed.Delayed
            A dictionary, as `Job.statistics` gives it: `downsample`, `num_pixels`, `num_issues`, `cut` with `score`,
            `below` and `ties`, or None, and `classes` with `class`, `count`, `sum`, `sum_parts` and
            `confident_threshold`.
        """
        return self._marks.summed_up(self.downsample)

    @functools.cached_property
    def _marks(self) -> Marks:
        return Marks.of(self.parts, self.split_every)

    def _pixels(self, arrays: list[da.Array], name: str) -> Any:
        return self._listed(
            [array if part.frame is None else part.frame.pixels(array, name) for part, array in zip(self.parts, arrays)]
        )

    def _listed(self, arrays: list[Any]) -> Any:
        return arrays if self.is_list else arrays[0]


def _softmin(part: Part, temperature: float) -> da.Array:
    name = f"segscore-softmin-{tokenize(part.kept.name, temperature)}"
    return by_blocks(name, _tasks.softmin, [part.kept], part.chunks[:1], np.float64, temperature)


def _margins(part: Part) -> da.Array:
    name = f"segscore-margin-{tokenize(part.kept.name, part.largest.name)}"
    return by_blocks(name, _tasks.margins, [part.kept, part.largest], part.chunks[:1], np.float64)
