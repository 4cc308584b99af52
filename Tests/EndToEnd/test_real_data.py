"""Real masks with real mistakes, against the answers that cleanlab 2.9.0 gave for them.

`SEGSCORE_REAL_DATA` names a folder with `labels.npy`, `pred_probs.npy` (float16), and in `cleanlab-2.9.0/` for each
temperature T `softmin_tT.npy`, and of the probabilities as float32 `num_pixel_issues.npy`, `label_issues.npy`,
`label_issues_downsample4.npy` and `common_label_issues.csv`.
"""

import csv
import os
import pathlib

import numpy as np
import pytest

import bodies
import reference
from bodies import array_of, arrays_of

FOLDER = os.environ.get("SEGSCORE_REAL_DATA")
pytestmark = pytest.mark.skipif(not FOLDER, reason="SEGSCORE_REAL_DATA is not set")
TEMPERATURES = ["0.01", "0.1", "1.0"]


@pytest.fixture(scope="module")
def folder():
    return pathlib.Path(FOLDER)


@pytest.fixture(scope="module")
def arrays(folder):
    return {name: np.load(folder / f"{name}.npy") for name in ("labels", "pred_probs")}


@pytest.mark.parametrize("temperature", TEMPERATURES)
@pytest.mark.parametrize("form", ["npz", "npz streamed deflated", "multipart"])
def test_image_scores_are_those_of_cleanlab(client, folder, arrays, form, temperature):
    expected = np.load(folder / "cleanlab-2.9.0" / f"softmin_t{temperature}.npy")
    answer = client.scored(bodies.FORMS[form](**arrays), temperature=temperature)
    np.testing.assert_allclose(answer["image_scores"], expected, rtol=0, atol=2e-6)


@pytest.mark.parametrize("labels_first", [True, False])
def test_pixel_scores_are_the_very_probabilities(client, arrays, labels_first):
    ordered = arrays if labels_first else dict(reversed(arrays.items()))
    answer = arrays_of(client.score(bodies.npz(**ordered), accept="application/x-npz"))
    np.testing.assert_array_equal(answer["pixel_scores"], reference.pixel_scores(**arrays))


def test_the_ranking_agrees_with_cleanlab(client, folder, arrays):
    expected = np.load(folder / "cleanlab-2.9.0" / "softmin_t0.1.npy")
    links = client.scored(bodies.npz(**arrays))["links"]
    ranking = client.get(f"{links['self']}/ranking").json()["ranking"]
    assert [row["image"] for row in ranking] == np.argsort(expected, kind="stable").tolist()
    pixels = array_of(client.get(links["pixel_scores"])).astype(np.float64)
    counts = [int((pixels[row["image"]] < 0.1).sum()) for row in ranking]
    assert [row["num_pixel_issues"] for row in ranking] == counts


@pytest.fixture(scope="module")
def found(client, arrays):
    """The links of a job that has looked for label issues."""
    return client.scored(bodies.npz(**arrays), method="num_pixel_issues")["links"]


def test_label_issues_are_those_of_cleanlab(client, folder, found):
    expected = folder / "cleanlab-2.9.0"
    np.testing.assert_array_equal(array_of(client.get(found["label_issues"])), np.load(expected / "label_issues.npy"))
    scores = array_of(client.get(found["image_scores"]))
    np.testing.assert_allclose(scores, np.load(expected / "num_pixel_issues.npy"), rtol=0, atol=1e-12)


def test_label_issues_of_blocks_are_those_of_cleanlab(client, folder, arrays):
    answer = client.score(
        bodies.multipart(**arrays),
        accept="application/x-npy",
        method="num_pixel_issues",
        downsample=4,
        include="label_issues",
    )
    np.testing.assert_array_equal(array_of(answer), np.load(folder / "cleanlab-2.9.0" / "label_issues_downsample4.npy"))


def test_the_summary_is_that_of_cleanlab(client, folder, found):
    answer = client.get(f"{found['summary']}?class_names=background,nucleus,outline").json()
    with open(folder / "cleanlab-2.9.0" / "common_label_issues.csv", newline="") as file:
        expected = [{**row, "num_pixel_issues": int(row["num_pixel_issues"])} for row in csv.DictReader(file)]
    assert answer == expected
