"""Shows label issues, and counts them by class; `cleanlab.segmentation.summary`. Nothing here asks a server.

Issues may be any mask, and no server needs to know it. The server counts the issues of a job by `segscore.Job.summary`.

Source: cleanlab/cleanlab `cleanlab/segmentation/summary.py`, version 2.9.0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from .._batches import count_of
from .._progress import Bar
from .._tables import pandas_for
from .._tensors import in_memory
from .._types import reckonable
from ..job import Images
from ._pairs import TOP, Pairs, counted_pairs, rows_of

if TYPE_CHECKING:
    import pandas as pd


def display_issues(
    issues: Any,
    *,
    labels: Any | None = None,
    pred_probs: Any | None = None,
    class_names: list[str] | None = None,
    exclude: list[int] | None = None,
    top: int | None = None,
    **kwargs: Any,
) -> None:
    """Draws the images with the most issues by matplotlib, the one with the most first.

    Issues are red. Beside them are the labels and the most probable classes, as far as they are given.

    Where we differ from cleanlab 2.9 on purpose:

    - Images with the same number of issues are in the order of their indices.
    - Labels that are no class, such as 255, are black. cleanlab raises IndexError.
    - Colours and titles are our own.

    Parameters
    ----------
    issues
        A mask, bool (N, H, W), or a list of (H, W), as of `find_label_issues` or `issues_from_scores`.
    labels : Any | None
        The given classes, (N, H, W) or a list of (H, W), if they are to be shown.
    pred_probs : Any | None
        The model's probabilities, (N, K, H, W) or a list of (K, H, W), if the most probable classes are to be shown.
    class_names : list[str] | None
        The names of the classes, shown as a legend if labels or probabilities are given.
    exclude : list[int] | None
        Classes whose pixels, by their labels, are left unmarked. It needs labels.
    top : int | None
        How many images to show at most, by default 20.
    **kwargs
        For `matplotlib.pyplot.show`.

    Raises
    ------
    ValueError
        There are classes to exclude, and no labels.
    ImportError
        matplotlib is not installed.
    """
    if exclude and labels is None:
        raise ValueError("exclude needs labels")
    from ._pictures import legend, picture  # Imported here, since it needs matplotlib.

    counts = np.array([np.count_nonzero(_elements(issues, image, "issues")) for image in range(count_of(issues))])
    classes = None
    if pred_probs is not None:
        classes = pred_probs[0].shape[0]
    elif labels is not None:
        classes = int(max(_elements(labels, image, "labels").max() for image in range(len(counts)))) + 1
    if class_names is not None and classes is not None:
        legend(class_names, classes, **kwargs)
    for image in np.argsort(-counts, kind="stable")[: TOP if top is None else top]:
        mask = _elements(issues, image, "issues").astype(bool)
        given = None if labels is None else _elements(labels, image, "labels")
        if given is not None and exclude:
            mask = mask & ~np.isin(given, exclude)
        predicted = None if pred_probs is None else _elements(pred_probs, image, "pred_probs").argmax(axis=0)
        picture(int(image), mask, given, predicted, classes, **kwargs)


def common_label_issues(
    issues: Any,
    labels: Any,
    pred_probs: Any,
    *,
    class_names: list[str] | None = None,
    exclude: list[int] | None = None,
    top: int | None = None,
    verbose: bool = True,
) -> pd.DataFrame:
    """Counts issues by their label and by the class that is most probable there.

    Where we differ from cleanlab 2.9 on purpose:

    - If a class with issues has no name in `class_names`, that is a ValueError. cleanlab leaves out the issues if the
      class is their label, and raises IndexError if it is the most probable one.
    - Labels of another shape than the probabilities are a ValueError, not an AssertionError.
    - The bar is shown only with `verbose`.

    Parameters
    ----------
    issues
        A mask, bool (N, H, W), or a list of (H, W), as of `find_label_issues` or `issues_from_scores`.
    labels : array_like
        The given classes, (N, H, W), or a list of (H, W).
    pred_probs : array_like
        The model's probabilities, (N, K, H, W), or a list of (K, H, W).
    class_names : list[str] | None
        What to call the classes, from 0 on; by default "0", "1" and so on.
    exclude : list[int] | None
        Leaves out the pixels for which one of these classes is the most probable.
    top : int | None
        How many pairs to list at most, by default 20.
    verbose : bool
        Whether to print a sentence for each pair, and to show a progress bar if tqdm is installed.

    Returns
    -------
    pd.DataFrame
        A DataFrame with the columns `given_label`, `predicted_label` and `num_pixel_issues`, most issues first, equal
        counts by label and then by most probable class.

    Raises
    ------
    ValueError
        The arrays do not fit together, or a name is missing.
    ImportError
        pandas is not installed.
    """
    pandas = pandas_for("common_label_issues")
    classes = _class_count(issues, labels, pred_probs)
    pairs: Pairs = Counter()
    with Bar("images counted", count_of(issues), verbose) as bar:
        for image, _, given, predicted in _at_issues(issues, labels, pred_probs):
            pairs.update(counted_pairs(given, predicted, classes))
            bar.show(image + 1)
    rows = rows_of(pairs, classes, class_names, exclude, top)
    if verbose:
        for label_name, other_name, count in rows:
            print(f"{count} pixels of class {label_name!r} look like class {other_name!r}")
    return pandas.DataFrame(rows, columns=["given_label", "predicted_label", "num_pixel_issues"])


def filter_by_class(class_index: int, issues: Any, labels: Any, pred_probs: Any) -> Images:
    """The issues that involve a class: those whose label it is, and those for which it is the most probable.

    Parameters
    ----------
    class_index : int
        The class, from 0 to K - 1.
    issues
        A mask, bool (N, H, W), or a list of (H, W), as of `find_label_issues` or `issues_from_scores`.
    labels : array_like
        The given classes, (N, H, W), or a list of (H, W).
    pred_probs : array_like
        The model's probabilities, (N, K, H, W), or a list of (K, H, W).

    Returns
    -------
    Images
        A mask, bool (N, H, W), or a list of (H, W) if the issues are a list.

    Raises
    ------
    ValueError
        The arrays do not fit together.
    """
    _class_count(issues, labels, pred_probs)
    shapes = _shapes(issues)
    subset: Images = (
        [np.zeros(shape, bool) for shape in shapes] if _is_listed(issues) else np.zeros(_shape(issues), bool)
    )
    for image, places, given, predicted in _at_issues(issues, labels, pred_probs):
        subset[image][places] = np.isin(given, class_index) | np.isin(predicted, class_index)
    return subset


def _at_issues(
    issues: Any, labels: Any, pred_probs: Any
) -> Iterator[tuple[int, tuple[np.ndarray, ...], np.ndarray, np.ndarray]]:
    """Gives for each image its number, the places of its issues, and the labels and most probable classes there."""
    for image in range(count_of(issues)):
        rows, columns = places = np.nonzero(_elements(issues, image, "issues"))
        probabilities = reckonable(in_memory(_image(pred_probs, image), "pred_probs")[:, rows, columns])
        yield image, places, _elements(labels, image, "labels")[places], probabilities.argmax(axis=0)


def _elements(images: Any, image: int, name: str) -> np.ndarray:
    return reckonable(in_memory(_image(images, image), name))


def _image(images: Any, image: int) -> Any:
    # The array API standard knows no index of fewer axes than an array has, unless the rest is an ellipsis.
    return images[image, ...] if hasattr(images, "__array_namespace__") else images[image]


def _class_count(issues: Any, labels: Any, pred_probs: Any) -> int:
    """The number of classes, K.

    Raises
    ------
    ValueError
        The arrays, or lists of images, do not fit together.
    """
    masks, given, predicted = _shapes(issues), _shapes(labels), _shapes(pred_probs)
    if any(len(shape) != 3 for shape in predicted):
        raise ValueError("pred_probs must be of shape (N, K, H, W), or a list with (K, H, W) for each image")
    expected = [shape[1:] for shape in predicted]
    for name, shapes in (("labels", given), ("issues", masks)):
        if len(shapes) != len(expected):
            raise ValueError(f"{name} must have as many images as pred_probs, {len(expected)}, not {len(shapes)}")
        for image, (shape, wanted) in enumerate(zip(shapes, expected)):
            if shape != wanted:
                raise ValueError(f"{name} of image {image} must be of pred_probs' (H, W), {wanted}, not {shape}")
    classes = {shape[0] for shape in predicted}
    if len(classes) > 1:
        raise ValueError(f"pred_probs must have as many classes for each image, not {sorted(classes)}")
    return max(classes, default=0)


def _is_listed(images: Any) -> bool:
    return isinstance(images, (list, tuple))


def _shapes(images: Any) -> list[tuple[int, ...]]:
    """The shape of each image of an array or a list."""
    if _is_listed(images):
        return [_shape(image) for image in images]
    shape = _shape(images)
    return [shape[1:]] * (shape[0] if shape else 0)


def _shape(array: Any) -> tuple[int, ...]:
    return tuple(map(int, array.shape if hasattr(array, "shape") else np.shape(array)))
