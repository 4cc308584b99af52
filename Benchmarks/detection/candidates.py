"""Scores of masks, each by its definition. A low score is suspect.

A candidate is a function of a whole set, since confident learning decides over all of its masks together.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from evidence import Flags, MaskSet, Pixels, class_probability

Scores = npt.NDArray[np.float64]

SOFTMIN_TEMPERATURE = 0.1  # The default of cleanlab and of segscore.

# Of confident learning: a class's least threshold, and how far below its threshold a probability is confident already.
LEAST_THRESHOLD, CONFIDENT_SLACK = 2e-6, 1e-6

# The least probability that margin tells from others, of either class. Below it a model's softmax says more of its
# training than of the pixel, and float16 and 8-bit predictions have no value left there.
LEAST_PROBABILITY = 1e-3


def softmin(masks: MaskSet) -> Scores:
    """The mean of own probabilities, in which low ones weigh exponentially more; cleanlab's default."""

    def score(pixels: Pixels) -> float:
        own = pixels.own[pixels.kept].astype(np.float64)
        if own.size == 0:
            return 1
        weights = np.exp((own.min() - own) / SOFTMIN_TEMPERATURE)
        return float((weights * own).sum() / weights.sum())

    return _each(masks, score)


def num_pixel_issues(masks: MaskSet) -> Scores:
    """The share of pixels that are no label issues by confident learning over the whole set; cleanlab's other method.

    Of candidates whose own probabilities are equal the first by mask, row and column count, as segscore has it.
    """
    kept = masks.kept
    own, largest, predicted, labels = (
        array[kept] for array in (masks.own, masks.largest, masks.predicted, masks.labels)
    )
    counts = np.bincount(labels, minlength=masks.class_count)
    sums = np.bincount(labels, weights=own, minlength=masks.class_count)
    thresholds = np.maximum(sums / np.maximum(counts, 1), LEAST_THRESHOLD)
    disagrees = predicted != labels
    count = int((disagrees & (largest >= (thresholds - CONFIDENT_SLACK)[predicted])).sum())
    if count == 0:
        return np.ones(len(masks), np.float64)
    cut = np.partition(own, count - 1)[count - 1]
    candidates = own < cut
    equal = np.flatnonzero(own == cut)
    candidates[equal[: count - int(candidates.sum())]] = True
    issues = np.zeros(kept.shape, bool)
    issues[kept] = candidates & disagrees
    scores: Scores = 1 - issues.sum(axis=(1, 2)) / np.maximum(kept.sum(axis=(1, 2)), 1)
    return scores


def margin(masks: MaskSet) -> Scores:
    """How sure the model is where it disagrees, beyond the edges of objects.

        m = ln(largest / own)², either at least 0.001    of a pixel that is predicted as another class than its label
        image = 1 / (1 + Σ m / n)                        over disagreeing pixels whose eight neighbours all disagree too

    n is the number of pixels that take part. The square has a confident disagreement outweigh a large doubtful one. The
    neighbours are asked since annotators and models differ by a pixel along every edge, which tells nothing about a
    mask. What is outside the image counts as disagreeing, so that a mistake at its border is not made smaller, and
    ignored pixels as agreeing, since round them edges are drawn carelessly.
    """

    def score(pixels: Pixels) -> float:
        inner = eroded((pixels.predicted != pixels.labels) & pixels.kept)
        own, largest = pixels.own[inner].astype(np.float64), pixels.largest[inner].astype(np.float64)
        ratio = np.maximum(largest, LEAST_PROBABILITY) / np.maximum(own, LEAST_PROBABILITY)
        total = np.square(np.log(ratio)).sum()
        return 1 / (1 + float(total) / max(int(pixels.kept.sum()), 1))

    return _each(masks, score)


def eroded(region: Flags) -> Flags:
    """The pixels of a region whose eight neighbours are in it too; what is outside the image is in it."""
    padded = np.pad(region, 1, constant_values=True)
    height, width = region.shape
    rows = padded[:height] & padded[1 : height + 1] & padded[2:]
    inner: Flags = rows[:, :width] & rows[:, 1 : width + 1] & rows[:, 2:]
    return inner


def accuracy(masks: MaskSet) -> Scores:
    """The share of pixels that the model predicts as they are labelled."""
    return _each(masks, lambda pixels: _mean((pixels.predicted == pixels.labels)[pixels.kept]))


def mean_own(masks: MaskSet) -> Scores:
    """The mean probability of the pixels' labels."""
    return _each(masks, lambda pixels: _mean(pixels.own[pixels.kept]))


def mean_iou(masks: MaskSet) -> Scores:
    """The mean over classes of intersection over union; of the classes that are labelled or predicted in the mask."""

    def score(pixels: Pixels) -> float:
        labels, predicted = pixels.labels[pixels.kept], pixels.predicted[pixels.kept]
        of_label = np.bincount(labels, minlength=masks.class_count)
        of_prediction = np.bincount(predicted, minlength=masks.class_count)
        intersection = np.bincount(labels[labels == predicted], minlength=masks.class_count)
        union = of_label + of_prediction - intersection
        return _mean(intersection[union > 0] / union[union > 0])

    return _each(masks, score)


def soft_dice(masks: MaskSet) -> Scores:
    """The mean over classes of the Dice coefficient of labels and probabilities; of classes as in `mean_iou`.

    With more than two classes, probabilities are those of `class_probability`.
    """

    def score(pixels: Pixels) -> float:
        labels = pixels.labels[pixels.kept]
        present = np.union1d(labels, pixels.predicted[pixels.kept]).tolist()
        overlaps = []
        for label in present:
            probability = class_probability(pixels, label, masks.class_count)[pixels.kept]
            is_label = labels == label
            extent = is_label.sum() + probability.sum(dtype=np.float64)
            overlaps.append(2 * probability[is_label].sum(dtype=np.float64) / extent)
        return _mean(np.array(overlaps))

    return _each(masks, score)


def background(masks: MaskSet) -> Scores:
    """The share of pixels labelled 0. It knows nothing of the model, and tells what masks give away by themselves."""
    return _each(masks, lambda pixels: _mean((pixels.labels == 0)[pixels.kept]))


def confidence(masks: MaskSet) -> Scores:
    """The mean of the largest probabilities. It knows nothing of the mask, and tells what hard images give away."""
    return _each(masks, lambda pixels: _mean(pixels.largest[pixels.kept]))


CANDIDATES: dict[str, Callable[[MaskSet], Scores]] = {
    candidate.__name__: candidate
    for candidate in (
        softmin, num_pixel_issues, accuracy, mean_own, mean_iou, soft_dice, margin, background, confidence
    )
}  # fmt: skip


def _each(masks: MaskSet, score: Callable[[Pixels], float]) -> Scores:
    return np.fromiter(map(score, masks.masks()), np.float64, len(masks))


def _mean(values: npt.NDArray[Any]) -> float:
    """The mean; 1 of nothing, as of a mask whose pixels are all ignored."""
    return float(values.mean(dtype=np.float64)) if values.size else 1.0
