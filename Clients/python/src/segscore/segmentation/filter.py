"""Finds the pixels whose labels are wrong; `cleanlab.segmentation.filter`.

Source: cleanlab/cleanlab `cleanlab/segmentation/filter.py`, version 2.9.0.
"""

from __future__ import annotations

from typing import Any

from ..job import Images
from ._call import check_batch_size, job_over, only


def find_label_issues(
    labels: Any,
    pred_probs: Any,
    *,
    batch_size: int | None = None,
    n_jobs: int | None = None,
    verbose: bool = True,
    **kwargs: Any,
) -> Images:
    """Finds label issues by confident learning over the whole data set.

    Where we differ from cleanlab 2.9 on purpose:

    - If there are more pixels of the score at the cut than there may be candidates, the first by image, row and column
      become candidates. cleanlab sorts unstably.
    - Means of classes and blocks are computed in float64, where cleanlab computes them in the type of `pred_probs`, and
      results do not depend on `batch_size`.
    - A block whose probabilities are all 0 keeps zeros. cleanlab divides them by their sum.
    - Labels outside 0 to K - 1, and probabilities that are not finite or not in [0, 1], are refused.
    - Labels may be one-hot, (N, K, H, W).

    Parameters
    ----------
    labels : array_like
        The given classes, (N, H, W): integers, or bool or floats that hold whole numbers, 0 to K - 1.
    pred_probs : array_like
        The model's probabilities, (N, K, H, W): floats, or integers or bool of one-hot predictions. Integers are sent
        as float32, and floats of more than 64 bits as float64.
    batch_size : int | None
        Has no effect.
    n_jobs : int | None
        Has no effect.
    verbose : bool
        Whether to show a progress bar if tqdm is installed.
    **kwargs
        `downsample`, the extent of the blocks that are looked at, which must divide H and W (by default 1), and what
        cleanlab has not: `ignore_label`, a label such as 255 whose pixels take no part, or several of them;
        `label_map`, `label_offset` and `reduce_zero_label`, as `segscore.Client.score` has them.

    Returns
    -------
    Images
        A mask, bool (N, H, W), True at a label issue. For images of several sizes a list of (H, W).

    Raises
    ------
    ValueError
        The arrays or parameters make no sense. If the server found that, it is a `segscore.InvalidInputError`.
    segscore.SegscoreError
        The server refused for another reason, or did not answer.
    """
    check_batch_size(batch_size)
    wanted = only(kwargs, "downsample", "ignore_label", "label_map", "label_offset", "reduce_zero_label")
    with job_over(labels, pred_probs, "images searched", verbose, method="num_pixel_issues", **wanted) as job:
        return job.label_issues()
