"""Scores images by how likely their masks are to be wrong; `cleanlab.segmentation.rank`.

Source: cleanlab/cleanlab `cleanlab/segmentation/rank.py`, version 2.9.0.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from .._types import score_type
from ..job import Images
from ._call import check_batch_size, job_over, only


def get_label_quality_scores(
    labels: Any,
    pred_probs: Any,
    *,
    method: str = "softmin",
    batch_size: int | None = None,
    n_jobs: int | None = None,
    verbose: bool = True,
    **kwargs: Any,
) -> tuple[np.ndarray, Images]:
    """Scores every image and every pixel of a segmentation data set.

    Where we differ from cleanlab 2.9 on purpose:

    - A label outside 0 to K - 1 is refused. cleanlab takes -1 for the last class, and raises IndexError for K and more.
    - Probabilities that are not finite or not in [0, 1] are refused. Those that `softmin` does not need may pass, since
      they are not all sent.
    - `num_pixel_issues` sums in float64 and takes equal scores by image, row and column; see
      `segscore.segmentation.filter.find_label_issues`.
    - An unknown method or a temperature that is not above 0 is a ValueError.

    Parameters
    ----------
    labels : array_like
        The given classes, (N, H, W): integers, or bool or floats that hold whole numbers, 0 to K - 1.
    pred_probs : array_like
        The model's probabilities, (N, K, H, W): floats, or integers or bool of one-hot predictions. Integers are sent
        as float32, and floats of more than 64 bits as float64.
    method : str
        `softmin` scores an image by the softmin of its pixels' scores, `num_pixel_issues` by the share of its pixels
        that are no label issues. `margin`, which cleanlab has not, scores it by how far the model is from the labels
        where it contradicts them.
    batch_size : int | None
        Has no effect.
    n_jobs : int | None
        Has no effect.
    verbose : bool
        Whether to show a progress bar if tqdm is installed.
    **kwargs
        `temperature` of softmin (by default 0.1), `downsample` of the others (by default 1), and what cleanlab
        has not: `ignore_label`, a label such as 255 whose pixels take no part and score 1, or several of them;
        `label_map`, `label_offset` and `reduce_zero_label`, as `segscore.Client.score` has them.

    Returns
    -------
    tuple[np.ndarray, Images]
        The image scores, float64 (N,), and the pixel scores, (N, H, W). Low is suspect. Pixel scores are of the types
        that cleanlab gives them: float64 for `softmin`, the type of `pred_probs` for the others (64 bits for integers).
        For images of several sizes the pixel scores are a list of (H, W).

    Raises
    ------
    ValueError
        The arrays or parameters make no sense. If the server found that, it is a `segscore.InvalidInputError`.
    segscore.SegscoreError
        The server refused for another reason, or did not answer.
    """
    check_batch_size(batch_size)
    wanted = only(kwargs, "temperature", "downsample", "ignore_label", "label_map", "label_offset", "reduce_zero_label")
    if "temperature" in kwargs and kwargs["temperature"] is None:
        raise ValueError("temperature must be a number above 0, and is None")
    if method == "softmin" and wanted.pop("downsample", 1) != 1:
        warnings.warn(
            f"downsample has no effect on the method {method}, only on num_pixel_issues and margin", stacklevel=2
        )
    with job_over(labels, pred_probs, f"images scored by {method}", verbose, method=method, **wanted) as job:
        dtype = np.dtype(np.float64) if method == "softmin" else _score_type(pred_probs)
        return job.image_scores(), job.pixel_scores(dtype=dtype)


def issues_from_scores(image_scores: np.ndarray, pixel_scores: Images | None = None, threshold: float = 0.1) -> Images:
    """Turns scores into issues. This asks no server.

    Where we differ from cleanlab 2.9 on purpose:

    - Without `pixel_scores` it returns the images below the threshold, as cleanlab's documentation says. cleanlab
      returns one more, even if none is below.
    - Images with the same score are in the order of their indices. cleanlab sorts unstably.
    - Scores are compared with the threshold as float64, whatever their type.

    Parameters
    ----------
    image_scores : np.ndarray
        The scores of the images, (N,).
    pixel_scores : Images | None
        The scores of the pixels, (N, H, W), or a list of (H, W), if a mask is wanted.
    threshold : float
        The score below which an image or a pixel is an issue, from 0 to 1.

    Returns
    -------
    Images
        With `pixel_scores` the mask `pixel_scores < threshold`, bool (N, H, W), or a list of masks. Without, the
        indices of the images that score below the threshold, lowest score first.

    Raises
    ------
    ValueError
        There are no image scores, or the threshold is not from 0 to 1.
    """
    if image_scores is None:
        raise ValueError("image_scores must be given")
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold must be from 0 to 1, and is {threshold}")
    if isinstance(pixel_scores, list):
        return [np.less(image, threshold, signature="dd->?") for image in pixel_scores]
    if pixel_scores is not None:
        # Without the signature NumPy would round the threshold to the scores' type.
        mask: np.ndarray = np.less(pixel_scores, threshold, signature="dd->?")
        return mask
    image_scores = np.asarray(image_scores)
    order = np.argsort(image_scores, kind="stable")
    return order[: np.searchsorted(image_scores[order], threshold)]


def _score_type(pred_probs: Any) -> np.dtype[Any] | None:
    """The type of pixel scores by other methods than `softmin`.

    Returns
    -------
    np.dtype[Any] | None
        None, for the type that the server gives them, if the probabilities are not one array of a type of NumPy's.
    """
    try:
        return score_type(np.dtype(pred_probs.dtype))
    except (AttributeError, TypeError):
        return None
