"""The steps of cleanlab's segmentation tutorial, with its imports and with ours, and nothing else changed."""

import contextlib
import io
import subprocess
import sys

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas
import pytest

from conftest import sample
from segscore.segmentation.summary import display_issues

matplotlib.use("Agg")

CLASSES = ["road", "building", "car", "pole", "tree"]
TUTORIAL = """
import numpy as np
from PACKAGE.segmentation.filter import find_label_issues
from PACKAGE.segmentation.rank import get_label_quality_scores, issues_from_scores
from PACKAGE.segmentation.summary import display_issues, common_label_issues, filter_by_class

pred_probs = np.load(f"{folder}/predicted_masks.npy", mmap_mode="r")
labels = np.load(f"{folder}/given_masks.npy", mmap_mode="r")

issues = find_label_issues(labels, pred_probs, downsample=4, n_jobs=None, batch_size=100000)
display_issues(issues, top=2)
display_issues(issues, labels=labels, pred_probs=pred_probs, class_names=CLASSES, top=2)

common = common_label_issues(issues, labels=labels, pred_probs=pred_probs)
named = common_label_issues(issues, labels=labels, pred_probs=pred_probs, class_names=CLASSES, exclude=[0], top=5)
class_issues = filter_by_class(CLASSES.index("car"), issues, labels=labels, pred_probs=pred_probs)
display_issues(class_issues, pred_probs=pred_probs, labels=labels, top=3, class_names=CLASSES)
display_issues(class_issues, labels=labels, exclude=[0, 1], top=3)

image_scores, pixel_scores = get_label_quality_scores(labels, pred_probs, n_jobs=None, batch_size=100000)
issues_from_score = issues_from_scores(image_scores, pixel_scores, threshold=0.1)
display_issues(issues_from_score, pred_probs=pred_probs, labels=labels, top=3)
"""


def follow(package, folder, monkeypatch):
    """The names that the tutorial leaves behind, and its figures: how many panels each has."""
    figures = []

    def show(**_):
        figures.append(len(plt.gcf().axes))
        plt.close("all")

    monkeypatch.setattr(plt, "show", show)
    names = {"folder": folder, "CLASSES": CLASSES}
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        exec(TUTORIAL.replace("PACKAGE", package), names)  # noqa: S102 - the tutorial, above.
    return names, figures


def test_only_the_imports_change(tmp_path, monkeypatch):
    labels, pred_probs = sample(4, 5, 64, 48, dtype=np.float64, seed=3)
    np.save(tmp_path / "given_masks.npy", labels.astype(np.int64))
    np.save(tmp_path / "predicted_masks.npy", pred_probs)
    (theirs, their_figures), (ours, our_figures) = (
        follow(package, tmp_path, monkeypatch) for package in ("cleanlab", "segscore")
    )
    for name in ("issues", "class_issues", "pixel_scores", "issues_from_score"):
        assert ours[name].dtype == theirs[name].dtype and ours[name].any()
        np.testing.assert_array_equal(ours[name], theirs[name])
    np.testing.assert_allclose(ours["image_scores"], theirs["image_scores"], rtol=1e-12)
    for name in ("common", "named"):
        assert len(ours[name]) > 3
        pandas.testing.assert_frame_equal(ours[name], theirs[name])
    assert our_figures == their_figures == [1, 1] + [1, 3, 3] + [1, 3, 3, 3] + [2, 2, 2] + [3, 3, 3], "legends have 1"


def test_pictures_mark_the_issues(monkeypatch):
    shown = []
    monkeypatch.setattr(plt, "show", lambda **options: shown.append((plt.gcf(), options)))
    labels, pred_probs = sample(3, 4, 8, 6)
    labels[0, 0, 0] = 255
    issues = np.zeros(labels.shape, bool)
    issues[1, 2:4, 3] = issues[2, 5, 5] = True
    display_issues(issues, labels=labels, pred_probs=pred_probs, block=False)
    assert [figure.axes[-1].get_title() for figure, _ in shown] == [
        "image 1, issue pixels: 2",
        "image 2, issue pixels: 1",
        "image 0, issue pixels: 0",
    ]
    assert all(options == {"block": False} for _, options in shown)
    given, likeliest, marked = (axis.images[0].get_array() for axis in shown[0][0].axes)
    assert ((marked[..., 1] < 0.5) == issues[1]).all()
    for colors, mask in ((given, labels[1]), (likeliest, pred_probs[1].argmax(axis=0))):
        pairs = {(int(label), tuple(color)) for label, color in zip(mask.ravel(), colors.reshape(-1, 3))}
        assert len(pairs) == len({label for label, _ in pairs}) == len({color for _, color in pairs})
    black = shown[2][0].axes[0].images[0].get_array()[0, 0]
    assert black.tolist() == [0, 0, 0], "no class"
    plt.close("all")


@pytest.mark.parametrize(
    "name, call",
    [
        ("matplotlib", "display_issues(np.zeros((1, 2, 2), bool))"),
        ("pandas", "common_label_issues(np.zeros((1, 2, 2), bool), np.zeros((1, 2, 2), int), np.zeros((1, 3, 2, 2)))"),
    ],
)
def test_what_is_missing_is_named(name, call):
    script = (
        f"import sys; sys.modules[{name!r}] = None\nimport numpy as np\n"
        f"from segscore.segmentation.summary import *\n{call}"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert "ImportError" in result.stderr and "pip install" in result.stderr and name in result.stderr
