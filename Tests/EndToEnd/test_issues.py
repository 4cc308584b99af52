"""`POST /issues`: scores to issues."""

import numpy as np
import pytest

import bodies
import reference
from bodies import FORMS, array_of, arrays_of, json_body, npz
from client import Client, assert_problem

NPZ, NPY = "application/x-npz", "application/x-npy"
IMAGE_SCORES = np.array([0.5, 0.05, 0.3, 0.05, 0.01, 0.1])


def issues(client, body, accept=None, **parameters):
    answer = client.score(body, accept=accept, path="/issues", **parameters)
    assert answer.status_code == 200, answer.text
    return answer


@pytest.fixture(scope="module")
def pixel_scores():
    labels, pred_probs = reference.sample(images=6, dtype=np.float64)
    return reference.pixel_scores(labels, pred_probs)


@pytest.mark.parametrize("form", FORMS)
def test_indices_come_lowest_score_first_and_equal_scores_by_index(client, form):
    answer = issues(client, FORMS[form](image_scores=IMAGE_SCORES))
    assert answer.json() == {"issues": [4, 1, 3]}


def test_indices_are_int64(client):
    indices = array_of(issues(client, npz(image_scores=IMAGE_SCORES), accept=NPY, threshold=0.4))
    assert indices.dtype == np.int64
    np.testing.assert_array_equal(indices, [4, 1, 3, 5, 2])


def test_no_image_below_the_threshold_gives_no_index(client):
    body = npz(image_scores=IMAGE_SCORES)
    assert issues(client, body, threshold=0).json() == {"issues": []}
    indices = array_of(issues(client, body, accept=NPY, threshold=0.01))
    assert indices.shape == (0,) and indices.dtype == np.int64


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("threshold", [None, 0.3, 1])
def test_pixel_scores_give_a_mask(client, form, threshold, pixel_scores):
    parameters = {} if threshold is None else {"threshold": threshold}
    body = FORMS[form](image_scores=IMAGE_SCORES, pixel_scores=pixel_scores)
    mask = array_of(issues(client, body, accept=NPY, **parameters))
    assert mask.dtype == bool
    np.testing.assert_array_equal(mask, pixel_scores < (0.1 if threshold is None else threshold))


def test_every_answer_form_says_the_same(client, pixel_scores):
    body = npz(pixel_scores=pixel_scores, image_scores=IMAGE_SCORES)
    expected = pixel_scores < 0.2
    np.testing.assert_array_equal(issues(client, body, threshold=0.2).json()["issues"], expected)
    arrays = arrays_of(issues(client, body, accept=NPZ, threshold=0.2))
    assert list(arrays) == ["issues"]
    np.testing.assert_array_equal(arrays["issues"], expected)


@pytest.mark.parametrize("dtype", ["<f4", ">f4", ">f8"])
@pytest.mark.parametrize("layout", [np.ascontiguousarray, np.asfortranarray], ids=["c", "fortran"])
def test_scores_may_have_any_float_type_and_order(client, dtype, layout):
    pixels = layout(np.linspace(0, 1, 60).reshape(6, 2, 5).astype(dtype))
    body = npz(image_scores=IMAGE_SCORES.astype(dtype), pixel_scores=pixels)
    mask = array_of(issues(client, body, accept=NPY, threshold=0.25))
    np.testing.assert_array_equal(mask, pixels.astype(np.float64) < 0.25)


def test_the_threshold_may_come_in_the_body(client):
    assert issues(client, json_body(image_scores=IMAGE_SCORES, threshold=0.02)).json() == {"issues": [4]}
    form = bodies.multipart([("threshold", 0.02)], image_scores=IMAGE_SCORES)
    assert issues(client, form).json() == {"issues": [4]}


def test_the_arrays_of_a_score_answer_can_be_sent_back(client):
    labels, pred_probs = reference.sample()
    scored = client.score(npz(labels=labels, pred_probs=pred_probs), accept=NPZ)
    mask = array_of(issues(client, bodies.Body(scored.content), accept=NPY, threshold=0.3))
    np.testing.assert_array_equal(mask, reference.pixel_scores(labels, pred_probs) < 0.3)


def test_no_job_is_made_of_it(start_server):
    client = Client(start_server())
    issues(client, npz(image_scores=IMAGE_SCORES))
    assert client.job_ids() == []


@pytest.mark.parametrize(
    "body, parameters, status, slug, parameter",
    [
        (npz(pixel_scores=np.zeros((1, 2, 2))), {}, 400, "missing-array", "image_scores"),
        (bodies.multipart(image_scores=IMAGE_SCORES, labels=np.zeros(3)), {}, 400, "unexpected-array", "labels"),
        (npz(image_scores=IMAGE_SCORES), {"threshold": 1.5}, 400, "invalid-parameter", "threshold"),
        (npz(image_scores=IMAGE_SCORES), {"threshold": "nan"}, 400, "invalid-parameter", "threshold"),
        (npz(image_scores=IMAGE_SCORES), {"include": "issues"}, 400, "unknown-parameter", "include"),
        (
            json_body(image_scores=IMAGE_SCORES, threshold=0.2),
            {"threshold": 0.2},
            400,
            "repeated-parameter",
            "threshold",
        ),
        (npz(image_scores=np.zeros((2, 2))), {}, 422, "shape-mismatch", "image_scores"),
        (npz(image_scores=np.zeros(2), pixel_scores=np.zeros((3, 2, 2))), {}, 422, "shape-mismatch", None),
        (npz(image_scores=np.zeros(2), pixel_scores=np.zeros((3, 2))), {}, 422, "shape-mismatch", "pixel_scores"),
        (npz(image_scores=np.zeros(1), pixel_scores=np.zeros([1] * 8)), {}, 422, "shape-mismatch", "pixel_scores"),
        (npz(image_scores=np.zeros(2, complex)), {}, 422, "unsupported-element-type", "image_scores"),
        (bodies.Body(b"hello"), {}, 415, "unsupported-media-type", None),
        (bodies.Body(npz(image_scores=IMAGE_SCORES).data[:-150]), {}, 400, "malformed-body", None),
    ],
)
def test_mistakes_are_named(client, body, parameters, status, slug, parameter):
    assert_problem(client.score(body, path="/issues", **parameters), status, slug, parameter)


def test_an_answer_in_another_form_is_refused(client):
    answer = client.score(npz(image_scores=IMAGE_SCORES), accept="image/png", path="/issues")
    assert_problem(answer, 406, "not-acceptable")
