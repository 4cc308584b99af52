"""One-hot labels, with the answer to the classes that they stand for."""

import numpy as np
import pytest

import bodies
import reference
from bodies import arrays_of, npz
from client import assert_problem

NPZ = "application/x-npz"


def one_hot(labels, classes, dtype=np.uint8):
    return np.moveaxis(np.eye(classes, dtype=dtype)[labels], -1, 1)


@pytest.mark.parametrize("method", ["softmin", "num_pixel_issues"])
@pytest.mark.parametrize("dtype", ["?", "u1", "<i8", ">f4", "f2"])
@pytest.mark.parametrize("form", ["npz", "multipart", "json"])
def test_one_hot_labels_are_their_classes(client, form, dtype, method):
    labels, pred_probs = reference.sample(dtype=np.float64)
    given = {"labels": one_hot(labels, 4, dtype), "pred_probs": pred_probs}
    if form == "npz" and dtype == "u1":
        given = {"pred_probs": pred_probs, "labels": np.asfortranarray(given["labels"])}
    answer = client.score(bodies.FORMS[form](**given), accept=NPZ, method=method, threshold=0.3)
    assert answer.status_code == 200, answer.text
    expected = client.score(npz(labels=labels, pred_probs=pred_probs), accept=NPZ, method=method, threshold=0.3)
    for name, array in arrays_of(expected).items():
        np.testing.assert_array_equal(arrays_of(answer)[name], array, strict=True)


@pytest.mark.parametrize("order", ["labels first", "pred_probs first"])
def test_one_hot_labels_have_as_many_classes_as_pred_probs(client, order):
    labels, pred_probs = reference.sample()
    arrays = [("labels", one_hot(labels, 5)), ("pred_probs", pred_probs)]
    body = npz(**dict(arrays if order == "labels first" else reversed(arrays)))
    assert_problem(client.score(body), 422, "shape-mismatch", "pred_probs")


def test_what_is_not_one_hot_is_named(client):
    labels, pred_probs = reference.sample()
    given = one_hot(labels, 4, np.float32)
    for value, words in [(0, "a 0 for every class"), (2, "a 2, and"), (0.5, "a 0.5, and")]:
        wrong = given.copy()
        wrong[1, labels[1, 2, 3], 2, 3] = value
        problem = assert_problem(client.score(npz(labels=wrong, pred_probs=pred_probs)), 422, "label-out-of-range")
        assert problem["detail"].startswith("labels[1, :, 2, 3] has " + words)
    wrong = given.copy()
    wrong[1, :, 2, 3] = 1
    problem = assert_problem(client.score(npz(labels=wrong, pred_probs=pred_probs)), 422, "label-out-of-range")
    assert "ones of several classes" in problem["detail"]
