"""What the scores should be, in NumPy, one plain step after the other."""

import dataclasses
import math

import numpy as np


def sample(images=3, classes=4, height=5, width=7, seed=1, dtype=np.float32):
    """Labels and probabilities that disagree here and there."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, (images, height, width)).astype(np.uint8)
    weights = random.random((images, classes, height, width)) ** 3 + 1e-3
    own = random.random((images, 1, height, width)) * 2 + 1e-3
    np.put_along_axis(weights, labels[:, None].astype(int), own, axis=1)
    return labels, (weights / weights.sum(axis=1, keepdims=True)).astype(dtype)


def pixel_scores(labels, pred_probs, ignore_label=None):
    """The probability that each pixel's own label is given."""
    labels = np.asarray(labels)
    ignored = np.zeros(labels.shape, bool) if ignore_label is None else labels == ignore_label
    index = np.where(ignored, 0, labels).astype(np.int64)
    own = np.take_along_axis(pred_probs, index[:, None], axis=1)[:, 0]
    own = own.astype(np.float64 if pred_probs.dtype.newbyteorder("=") == np.float64 else np.float32)
    own[ignored] = 1
    return own


def softmin(scores, temperature=0.1):
    scores = np.asarray(scores, np.float64)
    if scores.size == 0:
        return 1.0
    weights = np.exp((scores.min() - scores) / temperature)
    return float((weights * scores).sum() / weights.sum())


def image_scores(labels, pred_probs, temperature=0.1, ignore_label=None):
    scores = pixel_scores(labels, pred_probs, ignore_label)
    kept = np.ones(scores.shape, bool) if ignore_label is None else np.asarray(labels) != ignore_label
    return np.array([softmin(image[keep], temperature) for image, keep in zip(scores, kept)])


def margin_scores(labels, pred_probs, ignore_label=None):
    """How far the model is from the labels where it contradicts them by more than a rim: method=margin, (N,)."""
    kept = np.ones(labels.shape, bool) if ignore_label is None else labels != ignore_label
    own = pixel_scores(labels, pred_probs, ignore_label).astype(np.float64)
    largest = pred_probs.astype(own.dtype).max(axis=1)
    contradicts = kept & (pred_probs.argmax(axis=1) != labels)
    height, width = labels.shape[-2:]
    around = np.pad(contradicts, [(0, 0)] * (labels.ndim - 2) + [(1, 1), (1, 1)], constant_values=True)
    counts = np.logical_and.reduce(
        [around[..., y : y + height, x : x + width] for y in range(3) for x in range(3)], axis=0
    )
    margins = np.where(counts, np.log(np.maximum(largest, 1e-3) / np.maximum(own, 1e-3)) ** 2, 0)
    axes = tuple(range(1, labels.ndim))
    return 1 / (1 + margins.sum(axes) / np.maximum(kept.sum(axes), 1))


@dataclasses.dataclass(frozen=True)
class LabelIssues:
    """What confident learning makes of pixels; with `downsample`, all but `mask` and `image_scores` is of blocks."""

    mask: np.ndarray  # (N, H, W): the label issues
    image_scores: np.ndarray  # (N,): 1 - share of the pixels that are label issues
    num_issues: int
    thresholds: np.ndarray  # (K,)
    counts: np.ndarray  # (K,): how many have each label
    sums: np.ndarray  # (K,): of the probabilities of their own label
    kept: np.ndarray  # where there is a label that is not ignored
    scores: np.ndarray  # the probability of the own label
    cut: tuple | None  # the num_issues-th lowest score, how many candidates are below it, and how many score just that


def label_issues(labels, pred_probs, downsample=1, ignore_label=None):
    """The label issues that confident learning finds, as `cleanlab.segmentation.filter` does in float64.

    Equal scores are taken by image, row and column. A block in which every probability is 0 keeps its zeros.
    """
    pred_probs = pred_probs.astype(np.float64)
    kept_pixels = np.ones(labels.shape, bool) if ignore_label is None else labels != ignore_label
    pixel_labels = np.where(kept_pixels, labels, 0).astype(np.int64)
    labels, probs, kept = pixel_labels, pred_probs, kept_pixels
    if downsample > 1:
        labels, probs, kept = blocks(pixel_labels, pred_probs, kept_pixels, downsample)

    own = np.take_along_axis(probs, labels[:, None], axis=1)[:, 0]
    classes = range(probs.shape[1])
    owned = [own[kept & (labels == k)] for k in classes]
    counts = np.array([len(scores) for scores in owned])
    sums = np.array([math.fsum(scores) for scores in owned])
    thresholds = np.maximum(sums / np.maximum(counts, 1), 2e-6)

    predicted = probs.argmax(axis=1)
    confident = probs.max(axis=1) >= thresholds[predicted] - 1e-6
    num_issues = int((kept & confident & (predicted != labels)).sum())

    places = np.flatnonzero(kept)
    lowest = places[np.argsort(own.flat[places], kind="stable")[:num_issues]]
    candidates = np.zeros(own.shape, bool)
    candidates.flat[lowest] = True
    mask = candidates.repeat(downsample, axis=1).repeat(downsample, axis=2)
    mask &= kept_pixels & (pred_probs.argmax(axis=1) != pixel_labels)

    cut = None
    if num_issues > 0:
        score = float(own.flat[lowest[-1]])
        below = int((own[kept] < score).sum())
        cut = (score, below, num_issues - below)
    shares = mask.sum(axis=(1, 2)) / np.maximum(kept_pixels.sum(axis=(1, 2)), 1)
    return LabelIssues(mask, 1 - shares, num_issues, thresholds, counts, sums, kept, own, cut)


def blocks(labels, pred_probs, kept, size):
    """Labels and probabilities of blocks of size x size: the means of their kept pixels, and whether there are any."""

    def total(array):
        *outer, height, width = array.shape
        return array.reshape(*outer, height // size, size, width // size, size).sum(axis=(-3, -1))

    count = np.maximum(total(kept), 1)
    means = total(np.where(kept[:, None], pred_probs, 0)) / count[:, None]
    sums = means.sum(axis=1, keepdims=True)
    normalised = np.divide(means, sums, out=np.zeros_like(means), where=sums > 0)
    return np.rint(total(labels * kept) / count).astype(np.int64), normalised, total(kept) > 0


def tolerance(dtype):
    """Image scores may be summed in float32 where the probabilities are no wider."""
    return 1e-9 if np.dtype(dtype).itemsize == 8 else 2e-6


def ranking(scores, pixels, limit, threshold):
    """Images worst first, as the service's `ranking` lists them."""
    order = np.argsort(scores, kind="stable")[:limit]
    return [(int(i), float(scores[i]), int((pixels[i].astype(np.float64) < threshold).sum())) for i in order]
