"""Writes the golden arrays beside this file: inputs, and what cleanlab makes of them.

    pip install numpy cleanlab==2.9.0
    python make_goldens.py

An array that is there already is kept, as exp() has other last digits on other processors: remove a case's arrays to
have it drawn anew. Label issues are those of cleanlab on the values as float64, except that cleanlab takes any of the
scores that are equal at the cut (in `ties` and `ties_of_blocks`), and has no label to ignore: there `reference.py`
decides, which must agree with cleanlab everywhere else.
"""

import json
import sys
from pathlib import Path

import numpy as np
from cleanlab.segmentation import filter
from cleanlab.segmentation.rank import _get_label_quality_per_image, get_label_quality_scores, issues_from_scores

HERE = Path(__file__).parent
sys.path.append(str(HERE.parents[1] / "EndToEnd"))
import reference

# name, (N, K, H, W), pred_probs, labels, order, temperature, threshold, ignored label, and options of `draw`
CASES = [
    ("one_pixel", (1, 1, 1, 1), "<f4", "u1", "C", 0.1, 0.5, None),
    ("one_class", (3, 1, 5, 4), "<f8", "<i8", "C", 0.1, 0.5, None),
    ("row", (2, 2, 1, 7), "<f4", "<i4", "C", 0.1, 0.1, None),
    ("column", (2, 2, 7, 1), "<f8", "<i2", "F", 0.01, 0.1, None),
    ("odd_half", (2, 3, 15, 17), "<f2", "u1", "C", 0.1, 0.3, None),
    ("odd_single", (1, 5, 33, 31), "<f4", "<u2", "C", 0.01, 0.1, None),
    ("odd_double", (2, 5, 31, 9), "<f8", "<u4", "C", 1.0, 0.2, None),
    ("even_single", (2, 12, 16, 32), "<f4", "<i8", "C", 5.0, 0.05, None),
    ("wide", (2, 12, 9, 63), "<f4", "i1", "C", 0.1, 0.05, None),
    ("voc_double", (2, 21, 17, 16), "<f8", "u1", "C", 0.1, 0.05, None),
    ("voc_void", (3, 21, 13, 11), "<f4", "u1", "C", 0.1, 0.05, 255),
    ("void_minus_one", (2, 3, 9, 10), "<f8", "<i8", "F", 0.1, 0.2, -1),
    ("many_classes", (2, 300, 3, 5), "<f4", "<u2", "C", 0.1, 0.01, None),
    ("big_endian", (2, 3, 8, 9), ">f4", ">i4", "C", 0.1, 0.2, None),
    ("big_endian_half", (2, 5, 7, 6), ">f2", ">u2", "F", 1.0, 0.1, None),
    ("float_labels", (2, 5, 6, 7), ">f8", "<f4", "F", 5.0, 0.1, None),
    ("blocks_of_2", (2, 5, 12, 14), "<f4", "u1", "C", 0.1, 0.2, None, {"downsample": 2}),
    ("blocks_of_3", (2, 3, 15, 9), "<f8", "<i4", "F", 0.1, 0.2, None, {"downsample": 3}),
    ("blocks_of_4", (2, 12, 16, 20), "<f2", "u1", "C", 0.1, 0.1, None, {"downsample": 4}),
    ("blocks_of_8", (2, 5, 24, 32), ">f4", ">u2", "F", 0.1, 0.1, None, {"downsample": 8}),
    ("blocks_void", (3, 5, 10, 12), "<f8", "u1", "C", 0.1, 0.2, 255, {"downsample": 2}),
    ("ties", (2, 3, 11, 13), "<f4", "u1", "C", 0.1, 0.25, None, {"steps": 8, "logit": 1.0}),
    ("ties_of_blocks", (2, 3, 24, 16), ">f2", "<i2", "C", 0.1, 0.25, None, {"downsample": 2, "steps": 2, "logit": 0.5}),
    ("missing_classes", (2, 12, 7, 9), "<f4", "i1", "F", 0.1, 0.05, None, {"present": [1, 4, 7]}),
    ("forty_classes", (1, 40, 9, 11), "<f8", "<i8", "C", 0.1, 0.05, None),
]


def draw(rng, shape, dtype, label_dtype, order, ignored, downsample=1, steps=None, logit=4.0, present=None):
    """Confident predictions, a tenth of the labels wrong, and some probabilities of exactly 0 and 1.

    Labels and mistakes fill blocks of `downsample`, of which a tenth of the pixels have another label. With `steps`,
    probabilities are multiples of 1/steps; with a lower `logit`, less confident. `present` are the only labels given.
    """
    images, classes, height, width = shape
    blocks = (images, height // downsample, width // downsample)

    def spread(array):
        return array.repeat(downsample, axis=1).repeat(downsample, axis=2)

    labels = rng.integers(0, classes, blocks)
    if present is not None:
        labels = np.array(present)[labels % len(present)]
    logits = rng.normal(size=shape)
    seen = spread(np.where(rng.random(blocks) < 0.1, rng.integers(0, classes, blocks), labels))
    np.put_along_axis(logits, seen[:, None], logit, axis=1)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    probabilities[:, :, 0, 0] = np.eye(classes)[0][None]
    if steps is not None:
        probabilities = np.rint(probabilities * steps) / steps
    labels = spread(labels)
    if downsample > 1:
        labels = np.where(rng.random(labels.shape) < 0.1, rng.integers(0, classes, labels.shape), labels)
    if ignored is not None:
        labels[rng.random(labels.shape) < 0.2] = ignored
        labels[-1] = ignored
    return {
        "labels": np.asarray(labels.astype(label_dtype), order=order),
        "pred_probs": np.asarray(probabilities.astype(dtype), order=order),
    }


def score(labels, pred_probs, temperature, threshold, ignored):
    """Softmin scores."""
    kept = np.ones(labels.shape, bool) if ignored is None else labels != ignored
    image_scores, pixel_scores = get_label_quality_scores(
        np.where(kept, labels, 0).astype(int), pred_probs, temperature=temperature, verbose=False
    )
    if ignored is not None:
        pixel_scores[~kept] = 1
        image_scores = np.array(
            [
                _get_label_quality_per_image(s[k], method="softmin", temperature=temperature) if k.any() else 1.0
                for s, k in zip(pixel_scores, kept)
            ]
        )
    return {
        "image_scores": image_scores,
        "pixel_scores": pixel_scores.astype("<f8" if pred_probs.dtype.itemsize == 8 else "<f4"),
        "issues": issues_from_scores(image_scores, pixel_scores, threshold=threshold),
    }


class Inspector(filter.LabelInspector):
    """cleanlab's own, which is there to be asked afterwards."""

    def __init__(self, **options):
        super().__init__(**options)
        Inspector.last = self


def find(labels, pred_probs, ignored, downsample):
    """The label issues, once cleanlab agrees to them where it can be asked."""
    labels, pred_probs = labels.astype(int), pred_probs.astype(float)
    found = reference.label_issues(labels, pred_probs, downsample, ignored)
    if ignored is None:
        filter.LabelInspector = Inspector
        mask = filter.find_label_issues(
            labels, pred_probs, downsample=downsample, batch_size=pred_probs.size, n_jobs=1, verbose=False
        )
        assert found.num_issues == Inspector.last.get_num_issues()
        np.testing.assert_allclose(found.thresholds, Inspector.last.get_confident_thresholds(), rtol=1e-12)
        cut = found.cut[0] if found.cut else -1
        tied = (np.abs(found.scores - cut) <= 1e-12).repeat(downsample, axis=1).repeat(downsample, axis=2)
        assert (tied | (mask == found.mask)).all()
    return found


def path(case, array_name):
    return HERE / f"{case}.{array_name}.npy"


def keep(path, array):
    """Saves an array, or makes sure that the one that is there is the same but for its last digits."""
    if not path.exists():
        np.save(path, array)
    kept = np.load(path)
    assert kept.dtype == array.dtype
    np.testing.assert_allclose(kept, array, rtol=1e-12)


cases = []
for number, (name, shape, dtype, label_dtype, order, temperature, threshold, ignored, *options) in enumerate(CASES):
    options = options[0] if options else {}
    downsample = options.get("downsample", 1)
    if not path(name, "pred_probs").exists():
        drawn = draw(np.random.default_rng(number), shape, dtype, label_dtype, order, ignored, **options)
        for array_name, array in drawn.items():
            np.save(path(name, array_name), array)
    inputs = np.load(path(name, "labels")), np.load(path(name, "pred_probs"))
    outputs = score(*inputs, temperature, threshold, ignored)
    found = find(*inputs, ignored, downsample)
    outputs |= {"label_issues": found.mask, "issue_image_scores": found.image_scores}
    for array_name, array in outputs.items():
        keep(path(name, array_name), array)
    cases.append(
        {
            "name": name,
            "temperature": temperature,
            "threshold": threshold,
            "ignored_label": ignored,
            "downsample": downsample,
            "num_issues": found.num_issues,
            "confident_thresholds": found.thresholds.tolist(),
            "cut": dict(zip(("score", "below", "ties"), found.cut)) if found.cut else None,
        }
    )
(HERE / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")
