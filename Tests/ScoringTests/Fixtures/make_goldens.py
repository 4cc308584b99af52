"""Writes the golden arrays beside this file: inputs, and what cleanlab makes of them.

    pip install numpy cleanlab==2.9.0
    python make_goldens.py
"""

import json
from pathlib import Path

import numpy as np
from cleanlab.segmentation.rank import _get_label_quality_per_image, get_label_quality_scores, issues_from_scores

HERE = Path(__file__).parent

# name, (N, K, H, W), pred_probs, labels, order, temperature, threshold, ignored label
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
]


def make(rng, shape, dtype, label_dtype, order, temperature, threshold, ignored):
    """Confident predictions, a tenth of the labels wrong, and some probabilities of exactly 0 and 1."""
    images, classes, height, width = shape
    labels = rng.integers(0, classes, (images, height, width))
    logits = rng.normal(size=shape)
    seen = np.where(rng.random(labels.shape) < 0.1, rng.integers(0, classes, labels.shape), labels)
    np.put_along_axis(logits, seen[:, None], 4.0, axis=1)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    probabilities[:, :, 0, 0] = np.eye(classes)[0][None]
    probabilities = np.asarray(probabilities.astype(dtype), order=order)

    pixel_labels = labels.copy()
    if ignored is not None:
        pixel_labels[rng.random(labels.shape) < 0.2] = ignored
        pixel_labels[-1] = ignored
    image_scores, pixel_scores = get_label_quality_scores(
        labels, probabilities, temperature=temperature, verbose=False
    )
    if ignored is not None:
        kept = pixel_labels != ignored
        pixel_scores[~kept] = 1
        image_scores = np.array(
            [
                _get_label_quality_per_image(s[k], method="softmin", temperature=temperature) if k.any() else 1.0
                for s, k in zip(pixel_scores, kept)
            ]
        )
    return {
        "labels": np.asarray(pixel_labels.astype(label_dtype), order=order),
        "pred_probs": probabilities,
        "image_scores": image_scores,
        "pixel_scores": pixel_scores.astype("<f8" if np.dtype(dtype).itemsize == 8 else "<f4"),
        "issues": issues_from_scores(image_scores, pixel_scores, threshold=threshold),
    }


cases = []
for number, (name, *parameters) in enumerate(CASES):
    for array_name, array in make(np.random.default_rng(number), *parameters).items():
        np.save(HERE / f"{name}.{array_name}.npy", array)
    cases.append(
        {"name": name, "temperature": parameters[4], "threshold": parameters[5], "ignored_label": parameters[6]}
    )
(HERE / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")
