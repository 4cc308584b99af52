"""Reduced predictions of many images, and what is found by them."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Sequence
from typing import Any

import ray.data
from ray.data import DataContext
from ray.data.dataset import MaterializedDataset

from .._image_scores import checked_temperature
from .._rounds import statistics_of
from . import _tasks
from ._decision import Decision, of_each
from ._tables import FOUND


class Reduction:
    """The predictions of many images, reduced to what scores need of them; `reduce` makes it.

    Rows are reduced when something is found by them. Scores that need one image at a time are computed on the way, and
    nothing is kept. Label issues need all images several times, so reduced rows then are kept for as long as this
    object lives: about 10 bytes a pixel and the columns that rows have besides, in Ray's object store, which writes to
    disks what memory does not hold. What a lost node had is computed again from the data set.

    Attributes
    ----------
    dataset : ray.data.Dataset
        The rows, with reduced predictions in columns that only this package reads.
    downsample : int
        The extent of the blocks of pixels that label issues are looked for in.
    """

    def __init__(self, dataset: ray.data.Dataset, downsample: int):
        self.dataset = dataset
        self.downsample = downsample

    def materialize(self) -> Reduction:
        """Reduces all rows now, in order, and keeps them, unless that has been done.

        Returns
        -------
        Reduction
            This one.

        Raises
        ------
        ray.exceptions.RayTaskError
            Arrays or parameters make no sense: it is a `segscore.InvalidInputError` too. Columns are missing or taken,
            or the model's answer makes no sense: it is a ValueError or TypeError too.
        """
        if not isinstance(self.dataset, MaterializedDataset):
            with _in_order(self.dataset):
                self.dataset = self.dataset.materialize()
        return self

    def find_label_issues(self) -> ray.data.Dataset:
        """Finds label issues by confident learning over all images. This computes.

        Returns
        -------
        ray.data.MaterializedDataset
            The rows, in order, without predictions and with `label_issues`, bool (H, W), True at a label issue,
            `score`, float64, the share of the image's pixels that take part and are none of these, and
            `num_pixel_issues`, int64, how many there are.

        Raises
        ------
        ValueError
            There are no images, or they have different numbers of classes.
        ray.exceptions.RayTaskError
            See `materialize`.
        """
        return self._marked(FOUND)

    def get_label_quality_scores(
        self, *, method: str = "softmin", temperature: float | None = None
    ) -> ray.data.Dataset:
        """Scores every image; by `softmin` and `margin` lazily.

        Parameters
        ----------
        method : str
            `softmin` scores an image by the softmin of its pixels' scores, `num_pixel_issues` by the share of its
            pixels that are no label issues, `margin` by how far the model is from the labels where it contradicts them.
        temperature : float | None
            That of softmin, by default 0.1.

        Returns
        -------
        ray.data.Dataset
            The rows without predictions and with `score`, float64. Low is suspect.

        Raises
        ------
        ValueError
            The method is not known or the temperature not above 0; or as `find_label_issues` has it.
        """
        temperature = checked_temperature(method, temperature)
        if method == "num_pixel_issues":
            return self._marked(["score"])
        scoring = _tasks.Scoring(method, temperature)
        return self.dataset.map_batches(scoring.of_table, batch_format="pyarrow", batch_size=None)

    def statistics(self) -> dict[str, Any]:
        """The numbers that decided which pixels are label issues. This computes.

        Returns
        -------
        dict[str, Any]
            As `Job.statistics` gives it: `downsample`, `num_pixels`, `num_issues`, `cut` with `score`, `below` and
            `ties`, or None, and `classes` with `class`, `count`, `sum` and `confident_threshold`.

        Raises
        ------
        ValueError
            As `find_label_issues` has it.
        """
        decision = self._decision
        return statistics_of(decision.totals, decision.candidates, decision.cut, self.downsample)

    def _marked(self, added: Sequence[str]) -> ray.data.Dataset:
        decision = self._decision
        task = ray.remote(_tasks.marked)
        marked = [
            task.remote(block, self._prefix, decision.cut, quota, added)
            for block, quota in zip(self._blocks, decision.quotas)
        ]
        return ray.data.from_arrow_refs(marked)

    @property
    def _prefix(self) -> str:
        return "" if self.downsample == 1 else "block_"

    @functools.cached_property
    def _blocks(self) -> list[Any]:
        """References to tables of the rows, in order, none of them empty."""
        blocks = self.materialize().dataset.to_arrow_refs()
        rows = ray.get(of_each(_tasks.rows_of, blocks))
        if not any(rows):
            raise ValueError("There are no images.")
        return [block for block, count in zip(blocks, rows) if count]

    @functools.cached_property
    def _decision(self) -> Decision:
        return Decision.of(self._blocks, self._prefix)


@contextlib.contextmanager
def _in_order(dataset: ray.data.Dataset) -> Iterator[None]:
    """Has a data set keep its order when it is computed, and raise what tasks raise."""
    # Older versions of Ray compute by the options of the program, and not by those of the data set.
    contexts = {id(each): each for each in (dataset.context, DataContext.get_current())}.values()
    before = [(each.execution_options.preserve_order, each.raise_original_map_exception) for each in contexts]
    try:
        for each in contexts:
            each.execution_options.preserve_order = each.raise_original_map_exception = True
        yield
    finally:
        for each, options in zip(contexts, before):
            each.execution_options.preserve_order, each.raise_original_map_exception = options
