"""The functions of `cleanlab.segmentation`, for data sets of Ray Data."""

from __future__ import annotations

from typing import Any

import ray.data

from ._reducing import reduce


def find_label_issues(
    dataset: ray.data.Dataset,
    *,
    labels: str = "labels",
    pred_probs: str | None = None,
    logits: str | None = None,
    downsample: int = 1,
    batch_size: int | None = None,
    **kwargs: Any,
) -> ray.data.Dataset:
    """Finds label issues by confident learning over the whole data set.

    They are those of `segscore.segmentation.find_label_issues`, to the bit. This computes: rows are reduced once, and
    about 10 bytes a pixel lie in Ray's object store meanwhile, and on its disks where memory does not hold them.

    Parameters
    ----------
    dataset, labels, pred_probs, logits, downsample, batch_size
        Those of `reduce`.
    **kwargs
        Others of `reduce`: `ignore_label`, `label_map`, `activation` and so on.

    Returns
    -------
    ray.data.MaterializedDataset
        The rows, in order, without predictions and with `label_issues`, `score` and `num_pixel_issues`; see
        `Reduction.find_label_issues`.

    Raises
    ------
    TypeError, ValueError
        As `reduce` and `Reduction.find_label_issues` have it.
    """
    reduction = reduce(
        dataset,
        labels=labels,
        pred_probs=pred_probs,
        logits=logits,
        downsample=downsample,
        batch_size=batch_size,
        **kwargs,
    )
    return reduction.find_label_issues()


def get_label_quality_scores(
    dataset: ray.data.Dataset,
    *,
    labels: str = "labels",
    pred_probs: str | None = None,
    logits: str | None = None,
    method: str = "softmin",
    temperature: float | None = None,
    downsample: int = 1,
    batch_size: int | None = None,
    **kwargs: Any,
) -> ray.data.Dataset:
    """Scores every image of a data set; by `softmin` and `margin` lazily.

    The scores are those of `segscore.segmentation.get_label_quality_scores`, to the bit.

    Parameters
    ----------
    dataset, labels, pred_probs, logits, batch_size
        Those of `reduce`.
    method, temperature
        Those of `Reduction.get_label_quality_scores`.
    downsample : int
        That of `reduce`. It has an effect on `num_pixel_issues` alone.
    **kwargs
        Others of `reduce`: `ignore_label`, `label_map`, `activation` and so on.

    Returns
    -------
    ray.data.Dataset
        The rows without predictions and with `score`, float64. Low is suspect.

    Raises
    ------
    TypeError, ValueError
        As `reduce` and `Reduction.get_label_quality_scores` have it.
    """
    reduction = reduce(
        dataset,
        labels=labels,
        pred_probs=pred_probs,
        logits=logits,
        downsample=downsample if method == "num_pixel_issues" else 1,
        batch_size=batch_size,
        **kwargs,
    )
    return reduction.get_label_quality_scores(method=method, temperature=temperature)
