"""What the scores should be, in NumPy, one plain step after the other."""

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


def tolerance(dtype):
    """Image scores may be summed in float32 where the probabilities are no wider."""
    return 1e-9 if np.dtype(dtype).itemsize == 8 else 2e-6


def ranking(scores, pixels, limit, threshold):
    """Images worst first, as the service's `ranking` lists them."""
    order = np.argsort(scores, kind="stable")[:limit]
    return [(int(i), float(scores[i]), int((pixels[i].astype(np.float64) < threshold).sum())) for i in order]
