"""`pred_probs` without the classes that softmin does not need: of each band of rows the classes that are labels there.

They are of shape (M, R, W).
"""

import io

import numpy as np
import pytest
import tritonclient.http as triton

import reference
from bodies import FORMS, arrays_of, chunked, gzipped, json_body, multipart, npz
from client import Client, assert_problem
from inference import assert_same, in_order, refusal

NPZ = "application/x-npz"
CLASSES, ROWS = 9, 4


def regions(images=5, height=24, width=16, seed=3, dtype=np.float32):
    """Labels and probabilities, few classes at a place; in the last image all are void."""
    _, pred_probs = reference.sample(images, CLASSES, height, width, seed, dtype)
    patches = np.random.default_rng(seed).integers(0, CLASSES, (images, height // 6, width // 8))
    labels = np.kron(patches, np.ones((1, 6, 8), int)).astype(np.uint8)
    labels[0, :3] = labels[-1] = 255
    return labels, pred_probs


def bands_of(labels, pred_probs, rows=ROWS):
    """(M, R, W), by the definition."""
    bands = [
        pred_probs[image, index, top : top + rows]
        for image in range(len(labels))
        for top in range(0, labels.shape[1], rows)
        for index in np.unique(labels[image, top : top + rows])
        if index < CLASSES
    ]
    return np.stack(bands)


LABELS, PRED_PROBS = regions()
BANDS = bands_of(LABELS, PRED_PROBS)
PARAMETERS = {"ignore_label": 255, "threshold": 0.3}
WITH_CLASSES = PARAMETERS | {"classes": CLASSES}


@pytest.fixture(scope="module")
def expected(client):
    return client.score(npz(labels=LABELS, pred_probs=PRED_PROBS), accept=NPZ, **PARAMETERS).content


def test_they_are_fewer():
    assert BANDS.size < PRED_PROBS.size / 4


@pytest.mark.parametrize("reverse", [False, True], ids=["labels first", "pred_probs first"])
@pytest.mark.parametrize("form", FORMS)
def test_the_answer_is_that_of_all_probabilities(client, expected, form, reverse):
    arrays = {"labels": LABELS, "pred_probs": BANDS}
    body = FORMS[form](**dict(reversed(arrays.items())) if reverse else arrays)
    answer = client.score(body, accept=NPZ, **WITH_CLASSES)
    assert answer.status_code == 200, answer.text
    if form == "json":  # Its numbers are float64.
        for name, array in arrays_of(answer).items():
            np.testing.assert_allclose(array, np.load(io.BytesIO(expected))[name], rtol=1e-6)
    else:
        assert answer.content == expected
    job = client.get(answer.headers["Location"]).json()
    assert job["shape"] == {"images": 5, "classes": CLASSES, "height": 24, "width": 16}
    assert job["parameters"]["classes"] == CLASSES


@pytest.mark.parametrize("send", [gzipped, lambda body: chunked(body, 1000)], ids=["gzip", "chunked"])
def test_parameters_may_come_behind_the_arrays(client, expected, send):
    form = multipart(WITH_CLASSES.items(), labels=LABELS, pred_probs=BANDS)
    assert client.score(send(form), accept=NPZ).content == expected


@pytest.mark.parametrize("rows", [1, 2, 3, 6, 24])
@pytest.mark.parametrize("dtype", [np.float16, np.float64, ">f4"])
def test_bands_of_any_height_and_type(client, rows, dtype):
    labels, pred_probs = regions(dtype=dtype)
    whole = client.score(npz(labels=labels, pred_probs=pred_probs), accept=NPZ, **PARAMETERS)
    banded = client.score(npz(labels=labels, pred_probs=bands_of(labels, pred_probs, rows)), accept=NPZ, **WITH_CLASSES)
    assert banded.content == whole.content


def test_the_predicted_classes_are_not_known(client):
    job = client.score(npz(labels=LABELS, pred_probs=BANDS), **WITH_CLASSES).headers["Location"]
    assert "summary" not in client.get(job).json()["links"]
    assert_problem(client.get(f"{job}/summary"), 404, "no-predicted-classes")
    assert_problem(client.get(f"{job}/issues?class=1"), 404, "no-predicted-classes")
    assert client.get(f"{job}/ranking").status_code == 200


def test_nothing_is_sent_where_all_is_void(client):
    labels = np.full((2, 4, 3), 255, np.uint8)
    body = npz(labels=labels, pred_probs=np.empty((0, 4, 3), np.float32))
    assert client.scored(body, classes=2, ignore_label=255)["image_scores"] == [1, 1]


def test_batches_may_be_bands_and_whole(client):
    job = client.post("/jobs", params=WITH_CLASSES).headers["Location"]
    other_labels, other_probs = regions(images=2, height=12, width=8, seed=9)
    others = bands_of(other_labels, other_probs, rows=6)
    for labels, pred_probs in ((LABELS, BANDS), (LABELS, PRED_PROBS), (other_labels, others)):
        answer = client.score(npz(labels=labels, pred_probs=pred_probs), path=f"{job}/batches")
        assert answer.status_code == 201, answer.text
        assert answer.json()["shape"]["classes"] == CLASSES
    refused = client.score(npz(labels=LABELS, pred_probs=PRED_PROBS[:, 1:]), path=f"{job}/batches")
    assert_problem(refused, 422, "shape-mismatch", "classes")
    client.post(f"{job}/finish")
    assert client.get(f"{job}?wait=30").json()["status"] == "succeeded"
    scores = client.get(f"{job}/image_scores", headers={"Accept": "application/json"}).json()
    np.testing.assert_array_equal(scores[:5], scores[5:10])
    np.testing.assert_allclose(
        scores,
        np.concatenate(
            [reference.image_scores(LABELS, PRED_PROBS, ignore_label=255)] * 2
            + [reference.image_scores(other_labels, other_probs, ignore_label=255)]
        ),
        rtol=1e-6,
    )
    assert_problem(client.get(f"{job}/summary"), 404, "no-predicted-classes")


def test_files_may_hold_bands(expected, start_server, tmp_path):
    np.save(tmp_path / "labels.npy", LABELS)
    np.save(tmp_path / "bands.npy", BANDS)
    np.savez_compressed(tmp_path / "both.npz", bands=BANDS)
    with Client(start_server("--data-dir", tmp_path)) as client:
        for name in ("bands.npy", "both.npz#bands"):
            body = {"labels": {"file": "labels.npy"}, "pred_probs": {"file": name}} | WITH_CLASSES
            assert client.post("/score", json=body, headers={"Accept": NPZ}).content == expected


def test_inference_takes_them_too(client, server, expected):
    with triton.InferenceServerClient(f"127.0.0.1:{server.port}") as tritons:
        result = tritons.infer("segscore", in_order(LABELS, BANDS), parameters=WITH_CLASSES)
        assert_same(result, dict(np.load(io.BytesIO(expected))))
        status, message = refusal(tritons.infer, "segscore", in_order(LABELS, BANDS[1:]), parameters=WITH_CLASSES)
        assert status == "400" and "does not match" in message


# What is refused


@pytest.mark.parametrize("reverse", [False, True], ids=["labels first", "pred_probs first"])
@pytest.mark.parametrize(
    "bands, expected",
    [
        (BANDS[:-1], BANDS.shape),
        (np.concatenate([BANDS, BANDS[:1]]), BANDS.shape),
        (BANDS[..., :-1], BANDS.shape),
        (BANDS.reshape(-1, 2, 16), None),
        (np.ones((3, 7, 16), np.float32), None),
    ],
)
def test_another_number_of_bands_is_refused(client, leaves_nothing, bands, expected, reverse):
    arrays = {"labels": LABELS, "pred_probs": bands}
    body = npz(**dict(reversed(arrays.items())) if reverse else arrays)
    problem = assert_problem(client.score(body, **WITH_CLASSES), 422, "shape-mismatch", "pred_probs")
    assert problem["actual"] == str(bands.shape)
    if expected:
        assert problem["expected"] == str(expected)


@pytest.mark.parametrize("reverse", [False, True], ids=["labels first", "pred_probs first"])
@pytest.mark.parametrize(
    "array, slug",
    [
        (np.asfortranarray(BANDS), "unsupported-order"),
        (BANDS.astype(int), "unsupported-element-type"),
        (BANDS[:, :0], "empty-array"),
        (BANDS[..., :0], "empty-array"),
    ],
)
def test_what_is_no_array_of_bands_is_refused(client, leaves_nothing, array, slug, reverse):
    arrays = {"labels": LABELS, "pred_probs": array}
    body = npz(**dict(reversed(arrays.items())) if reverse else arrays)
    assert_problem(client.score(body, **WITH_CLASSES), 422, slug, "pred_probs")


@pytest.mark.parametrize("parameters", [PARAMETERS, WITH_CLASSES | {"method": "num_pixel_issues"}])
@pytest.mark.parametrize("form", [npz, multipart, json_body])
def test_bands_without_classes_or_for_label_issues_are_refused(client, leaves_nothing, form, parameters):
    body = form(labels=LABELS, pred_probs=BANDS)
    problem = assert_problem(client.score(body, **parameters), 422, "shape-mismatch", "pred_probs")
    assert problem["expected"].startswith("(N, K, H, W)")


def test_bands_in_a_form_that_names_no_classes_in_the_end_are_refused(client, leaves_nothing):
    form = multipart({"ignore_label": "255"}.items(), labels=LABELS, pred_probs=BANDS)
    assert_problem(client.score(chunked(form, 1000)), 422, "shape-mismatch", "pred_probs")


@pytest.mark.parametrize("method", ["softmin", "num_pixel_issues"])
def test_another_number_of_classes_is_refused(client, leaves_nothing, method):
    body = npz(labels=LABELS, pred_probs=PRED_PROBS)
    problem = assert_problem(
        client.score(body, method=method, **PARAMETERS | {"classes": 8}), 422, "shape-mismatch", "classes"
    )
    assert (problem["expected"], problem["actual"]) == ("9", "8")


@pytest.mark.parametrize("classes", ["0", "-1", "65536", "many", ""])
def test_what_is_no_number_of_classes_is_refused(client, leaves_nothing, classes):
    body = npz(labels=LABELS, pred_probs=BANDS)
    assert_problem(client.score(body, classes=classes), 400, "invalid-parameter", "classes")


@pytest.mark.parametrize("reverse", [False, True], ids=["labels first", "pred_probs first"])
def test_a_wrong_probability_is_named_as_in_the_whole_array(client, leaves_nothing, reverse):
    pred_probs = PRED_PROBS.copy()
    image, row, column = 2, 13, 5
    index = int(LABELS[image, row, column])
    pred_probs[image, index, row, column] = 7
    arrays = {"labels": LABELS, "pred_probs": bands_of(LABELS, pred_probs)}
    body = npz(**dict(reversed(arrays.items())) if reverse else arrays)
    problem = assert_problem(client.score(body, **WITH_CLASSES), 422, "probability-out-of-range", "pred_probs")
    assert problem["detail"].startswith(f"pred_probs[{image}, {index}, {row}, {column}] is 7.0")


def test_a_label_that_is_no_class_is_refused(client, leaves_nothing):
    labels = LABELS.copy()
    labels[1, 2, 3] = CLASSES
    body = npz(labels=labels, pred_probs=bands_of(labels, PRED_PROBS))
    assert_problem(client.score(body, **WITH_CLASSES), 422, "label-out-of-range", "labels")
