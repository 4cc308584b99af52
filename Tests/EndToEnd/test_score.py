"""`POST /score`: every form of body, every answer, and the scores themselves."""

import json

import numpy as np
import pytest
from cleanlab.segmentation.rank import get_label_quality_scores

import bodies
import reference
from bodies import FORMS, array_of, arrays_of, npz
from client import BareConnection, assert_problem, curl

NPZ, NPY, JSON = "application/x-npz", "application/x-npy", "application/json"
LABEL_TYPES = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"]
PROBABILITY_TYPES = ["f2", "f4", "f8"]
BYTE_ORDERS = ["<", ">"]


def assert_scores(answer, labels, pred_probs, temperature=0.1, ignore_label=None):
    """Holds an npz answer of `image_scores` and `pixel_scores` against the plain computation."""
    arrays = arrays_of(answer)
    expected = reference.pixel_scores(labels, pred_probs, ignore_label)
    assert arrays["pixel_scores"].dtype == expected.dtype
    np.testing.assert_array_equal(arrays["pixel_scores"], expected)
    assert arrays["image_scores"].dtype == np.float64
    np.testing.assert_allclose(
        arrays["image_scores"],
        reference.image_scores(labels, pred_probs, temperature, ignore_label),
        rtol=0,
        atol=reference.tolerance(pred_probs.dtype),
    )


def score_and_check(client, body, labels, pred_probs, **options):
    answer = client.score(body, accept=NPZ)
    assert answer.status_code == 200, answer.text
    assert_scores(answer, labels, pred_probs, **options)


# Scores


@pytest.mark.parametrize("temperature", [0.01, 0.1, 1, 100])
@pytest.mark.parametrize("dtype", PROBABILITY_TYPES)
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (1, 2, 1, 33), (3, 4, 5, 7), (2, 21, 31, 16)])
def test_scores_are_those_of_cleanlab(client, shape, dtype, temperature):
    labels, pred_probs = reference.sample(*shape, dtype=dtype)
    images, pixels = get_label_quality_scores(labels, pred_probs, temperature=temperature, verbose=False)
    answer = client.score(npz(labels=labels, pred_probs=pred_probs), accept=NPZ, temperature=temperature)
    assert answer.status_code == 200, answer.text
    arrays = arrays_of(answer)
    np.testing.assert_allclose(arrays["image_scores"], images, rtol=0, atol=reference.tolerance(dtype))
    np.testing.assert_array_equal(arrays["pixel_scores"].astype(np.float64), pixels)
    assert_scores(answer, labels, pred_probs, temperature)


def test_a_tiny_temperature_gives_the_lowest_pixel_and_a_huge_one_the_mean(client):
    labels, pred_probs = reference.sample(dtype=np.float64)
    pixels = reference.pixel_scores(labels, pred_probs)
    body = npz(labels=labels, pred_probs=pred_probs)
    lowest = client.scored(body, temperature=1e-300)["image_scores"]
    mean = client.scored(body, temperature=1e300)["image_scores"]
    np.testing.assert_allclose(lowest, pixels.min(axis=(1, 2)), rtol=1e-9)
    np.testing.assert_allclose(mean, pixels.mean(axis=(1, 2)), rtol=1e-9)


def test_rows_need_not_sum_to_one(client):
    labels = np.array([[[0, 1]]])
    pred_probs = np.array([[[[1.0, 1.0]], [[1.0, 0.0]]]])
    score_and_check(client, npz(labels=labels, pred_probs=pred_probs), labels, pred_probs)


# Bodies


@pytest.mark.parametrize("order", [("labels", "pred_probs"), ("pred_probs", "labels")], ids="first={0[0]}".format)
@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_read_in_either_order_of_members(client, form, order):
    labels, pred_probs = reference.sample(dtype=np.float64)
    arrays = {"labels": labels, "pred_probs": pred_probs}
    body = FORMS[form](**{name: arrays[name] for name in order})
    score_and_check(client, body, labels, pred_probs)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_may_be_gzipped(client, form):
    labels, pred_probs = reference.sample(dtype=np.float64)
    score_and_check(client, bodies.gzipped(FORMS[form](labels=labels, pred_probs=pred_probs)), labels, pred_probs)


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_may_arrive_in_chunks_of_any_size(client, form, size):
    labels, pred_probs = reference.sample(1, 2, 3, 4, dtype=np.float64)
    score_and_check(client, bodies.chunked(FORMS[form](labels=labels, pred_probs=pred_probs), size), labels, pred_probs)


def test_gzip_may_arrive_byte_by_byte(client):
    labels, pred_probs = reference.sample(1, 2, 3, 4)
    body = bodies.gzipped(npz(labels=labels, pred_probs=pred_probs))
    score_and_check(client, bodies.chunked(body, 1), labels, pred_probs)


@pytest.mark.parametrize("form", ["npz", "multipart"])
@pytest.mark.parametrize("byte_order", BYTE_ORDERS)
@pytest.mark.parametrize("dtype", LABEL_TYPES)
def test_labels_may_have_any_integer_type_and_floats_that_hold_whole_numbers(client, dtype, byte_order, form):
    labels, pred_probs = reference.sample(classes=2)
    typed = labels.astype(np.dtype(dtype).newbyteorder(byte_order))
    score_and_check(client, FORMS[form](labels=typed, pred_probs=pred_probs), labels, pred_probs)


@pytest.mark.parametrize("labels_first", [True, False])
@pytest.mark.parametrize("byte_order", BYTE_ORDERS)
@pytest.mark.parametrize("layout", [np.ascontiguousarray, np.asfortranarray], ids=["c", "fortran"])
@pytest.mark.parametrize("dtype", PROBABILITY_TYPES)
def test_pred_probs_may_have_any_float_type_and_order(client, dtype, layout, byte_order, labels_first):
    labels, pred_probs = reference.sample(dtype=dtype)
    arrays = {
        "labels": layout(labels.astype(f"{byte_order}i4")),
        "pred_probs": layout(pred_probs.astype(np.dtype(dtype).newbyteorder(byte_order))),
    }
    body = npz(**(arrays if labels_first else dict(reversed(arrays.items()))))
    score_and_check(client, body, labels, pred_probs)


@pytest.mark.parametrize("mixed", [("labels",), ("pred_probs",)])
def test_only_one_array_may_be_in_fortran_order(client, mixed):
    labels, pred_probs = reference.sample()
    arrays = {"labels": labels, "pred_probs": pred_probs}
    body = npz(**{name: np.asfortranarray(array) if name in mixed else array for name, array in arrays.items()})
    score_and_check(client, body, labels, pred_probs)


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_npy_versions_1_to_3_are_read(client, version):
    labels, pred_probs = reference.sample()
    body = bodies.multipart(labels=bodies.npy(labels, version), pred_probs=bodies.npy(pred_probs, version))
    score_and_check(client, body, labels, pred_probs)


@pytest.mark.parametrize(
    "content_type", [None, "application/octet-stream", "application/zip", NPZ, "application/x-www-form-urlencoded"]
)
def test_the_bytes_tell_an_npz_whatever_the_content_type(client, content_type):
    labels, pred_probs = reference.sample()
    body = bodies.Body(npz(labels=labels, pred_probs=pred_probs).data)
    score_and_check(client, body.with_type(content_type) if content_type else body, labels, pred_probs)


@pytest.mark.parametrize("content_type", [None, "application/json; charset=utf-8"])
def test_the_bytes_tell_json_behind_white_space(client, content_type):
    labels, pred_probs = reference.sample(dtype=np.float64)
    body = bodies.Body(b" \r\n\t" + bodies.json_body(labels=labels, pred_probs=pred_probs).data)
    score_and_check(client, body.with_type(content_type) if content_type else body, labels, pred_probs)


def test_json_probabilities_may_be_written_as_integers(client):
    answer = client.scored(bodies.json_text('{"labels": [[[0, 1.0]]], "pred_probs": [[[[1, 0]], [[0, 1e0]]]]}'))
    assert answer["image_scores"] == [1.0]


def test_names_in_json_may_be_escaped(client):
    answer = client.scored(bodies.json_text('{"l\\u0061bels": [[[0]]], "pred_probs": [[[[0.25]]]]}'))
    assert answer["image_scores"] == [0.25]


def test_expect_100_continue_is_answered_before_the_body_is_sent(server):
    labels, pred_probs = reference.sample()
    body = npz(labels=labels, pred_probs=pred_probs)
    with BareConnection(server.address) as connection:
        connection.send_body_head(body, f"Accept: {NPZ}", "Expect: 100-continue")
        assert connection.read_head()[0] == 100
        connection.send(body.data)
        assert_scores(connection.read(), labels, pred_probs)


def test_curl_posts_a_file_without_naming_its_type(server, tmp_path):
    labels, pred_probs = reference.sample(dtype=np.float64)
    file = tmp_path / "batch.npz"
    np.savez(file, labels=labels, pred_probs=pred_probs)
    status, media_type, body = curl(server, "/score", "--data-binary", f"@{file}")
    assert (status, media_type) == (200, JSON)
    np.testing.assert_allclose(
        json.loads(body)["image_scores"], reference.image_scores(labels, pred_probs), rtol=0, atol=1e-9
    )


def test_curl_streams_a_large_file_after_expect(server, tmp_path):
    labels, pred_probs = reference.sample(2, 3, 256, 256)
    file = tmp_path / "batch.npz"
    np.savez(file, labels=labels, pred_probs=pred_probs)
    status, _, body = curl(server, "/score", "-T", file, "-X", "POST", "-H", "Expect: 100-continue")
    assert status == 200
    np.testing.assert_allclose(
        json.loads(body)["image_scores"], reference.image_scores(labels, pred_probs), rtol=0, atol=2e-6
    )


def test_curl_posts_a_form_with_parameters(server, tmp_path):
    labels, pred_probs = reference.sample(dtype=np.float64)
    np.save(tmp_path / "l.npy", labels)
    np.save(tmp_path / "p.npy", pred_probs)
    files = ["-F", f"pred_probs=@{tmp_path}/p.npy", "-F", f"labels=@{tmp_path}/l.npy"]
    status, _, body = curl(server, "/score", *files, "-F", "temperature=0.5", "-F", "include=pixel_scores")
    assert status == 200
    pixels = json.loads(body)["pixel_scores"]
    np.testing.assert_array_equal(np.array(pixels), reference.pixel_scores(labels, pred_probs))


# Parameters


PARAMETERS = {"temperature": 0.5, "threshold": 0.25, "ignore_label": 1, "include": "issues,image_scores"}


@pytest.mark.parametrize("way", ["query", "json", "multipart"])
def test_parameters_come_as_query_as_json_members_or_as_parts(client, way):
    labels, pred_probs = reference.sample(dtype=np.float64)
    arrays = {"labels": labels, "pred_probs": pred_probs}
    if way == "query":
        answer = client.scored(npz(**arrays), **PARAMETERS)
    elif way == "json":
        answer = client.scored(bodies.json_body(**arrays, **PARAMETERS))
    else:
        answer = client.scored(bodies.multipart(PARAMETERS.items(), **arrays))
    expected = reference.image_scores(labels, pred_probs, temperature=0.5, ignore_label=1)
    np.testing.assert_allclose(answer["image_scores"], expected, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(answer["issues"], reference.pixel_scores(labels, pred_probs, 1) < 0.25)
    assert "pixel_scores" not in answer


def test_parameters_ahead_of_the_arrays_in_a_form_count_too(client):
    labels, pred_probs = reference.sample(dtype=np.float64)
    form = bodies.multipart([("temperature", 2)], labels=labels, pred_probs=pred_probs)
    delimiter = b"--" + bodies.BOUNDARY.encode()
    _, first, second, parameter, end = form.data.split(delimiter)
    body = bodies.Body(b"".join(delimiter + part for part in (parameter, first, second, end)), form.fields)
    np.testing.assert_allclose(
        client.scored(body)["image_scores"], reference.image_scores(labels, pred_probs, 2), rtol=0, atol=1e-9
    )


def test_include_is_also_an_array_in_json(client):
    labels, pred_probs = reference.sample()
    answer = client.scored(bodies.json_body(labels=labels, pred_probs=pred_probs, include=["pixel_scores"]))
    assert list(answer) == ["job", "method", "shape", "pixel_scores", "links"]


def test_an_issue_is_strictly_below_the_threshold(client):
    labels = np.zeros((1, 1, 3), np.uint8)
    pred_probs = np.array([[[[0.25, 0.5, 0.75]]]])
    body = npz(labels=labels, pred_probs=pred_probs)
    assert client.scored(body, threshold=0.5, include="issues")["issues"] == [[[True, False, False]]]
    assert client.scored(body, threshold=0, include="issues")["issues"] == [[[False, False, False]]]
    assert client.scored(body, threshold=1, include="issues")["issues"] == [[[True, True, True]]]


def test_a_float32_score_is_compared_as_cleanlab_compares_it(client):
    """cleanlab keeps pixel scores in float64, where float32(0.7) is below 0.7 and float32(0.1) is not below 0.1."""
    labels = np.zeros((1, 1, 2), np.uint8)
    body = npz(labels=labels, pred_probs=np.array([[[[0.7, 0.1]]]], np.float32))
    assert client.scored(body, threshold=0.7, include="issues")["issues"] == [[[True, True]]]
    assert client.scored(body, threshold=0.1, include="issues")["issues"] == [[[False, False]]]


@pytest.mark.parametrize("ignored, dtype", [(255, np.uint8), (-1, np.int16), (1, np.uint8), (-100, np.float32)])
@pytest.mark.parametrize("labels_first", [True, False])
def test_ignored_pixels_take_no_part(client, ignored, dtype, labels_first):
    labels, pred_probs = reference.sample(images=4, dtype=np.float64)
    labels = labels.astype(dtype)
    labels[0, 1:3, 2:] = ignored
    labels[2] = ignored
    arrays = {"labels": labels, "pred_probs": pred_probs}
    body = npz(**(arrays if labels_first else dict(reversed(arrays.items()))))
    answer = client.score(body, accept=NPZ, ignore_label=ignored, threshold=1)
    assert answer.status_code == 200, answer.text
    assert_scores(answer, labels, pred_probs, ignore_label=ignored)
    arrays = arrays_of(answer)
    assert not arrays["issues"][labels == ignored].any()
    assert (arrays["pixel_scores"][labels == ignored] == 1).all()
    assert arrays["image_scores"][2] == 1, "an image of which every pixel is ignored has nothing wrong"


# Answers


@pytest.fixture(scope="module")
def scorable():
    labels, pred_probs = reference.sample()
    return npz(labels=labels, pred_probs=pred_probs)


def test_json_is_the_default_and_tells_job_method_shape_and_links(client, scorable):
    response = client.score(scorable)
    answer = response.json()
    assert response.headers["Content-Type"].partition(";")[0] == JSON
    assert list(answer) == ["job", "method", "shape", "image_scores", "links"]
    assert answer["method"] == "softmin"
    assert answer["shape"] == {"images": 3, "classes": 4, "height": 5, "width": 7}
    job = f"/jobs/{answer['job']}"
    assert response.headers["Location"] == job == answer["links"]["self"]
    for name in ("image_scores", "pixel_scores", "issues"):
        assert answer["links"][name] == f"{job}/{name}"
        assert client.get(answer["links"][name]).status_code == 200


@pytest.mark.parametrize("dtype", PROBABILITY_TYPES)
def test_json_numbers_round_trip(client, dtype):
    labels, pred_probs = reference.sample(dtype=dtype, seed=7)
    body = npz(labels=labels, pred_probs=pred_probs)
    answer = client.scored(body, include="image_scores,pixel_scores")
    expected = reference.pixel_scores(labels, pred_probs)
    np.testing.assert_array_equal(np.array(answer["pixel_scores"], expected.dtype), expected)
    exact = array_of(client.get(answer["links"]["image_scores"]))
    np.testing.assert_array_equal(np.array(answer["image_scores"]), exact)


@pytest.mark.parametrize(
    "parameters, members",
    [
        ({}, ["image_scores", "pixel_scores"]),
        ({"threshold": 0.3}, ["image_scores", "pixel_scores", "issues"]),
        ({"include": "pixel_scores"}, ["pixel_scores"]),
        ({"include": "issues,image_scores", "threshold": 0.3}, ["image_scores", "issues"]),
    ],
)
def test_npz_holds_what_include_names_and_by_default_everything(client, scorable, parameters, members):
    arrays = arrays_of(client.score(scorable, accept=NPZ, **parameters))
    assert sorted(arrays) == sorted(members)
    if "issues" in members:
        assert arrays["issues"].dtype == bool and arrays["issues"].shape == (3, 5, 7)


@pytest.mark.parametrize("name", ["image_scores", "pixel_scores", "issues"])
def test_npy_is_the_one_array_that_include_names(client, scorable, name):
    response = client.score(scorable, accept=NPY, include=name, threshold=0.3)
    assert response.headers["Content-Type"] == NPY
    everything = arrays_of(client.score(scorable, accept=NPZ, threshold=0.3))
    np.testing.assert_array_equal(array_of(response), everything[name])
    assert array_of(response).dtype == everything[name].dtype


@pytest.mark.parametrize("include", [None, "image_scores,pixel_scores"])
def test_npy_refuses_other_than_one_array(client, scorable, include):
    parameters = {"include": include} if include else {}
    assert_problem(client.score(scorable, accept=NPY, **parameters), 400, "invalid-parameter", "include")


@pytest.mark.parametrize(
    "accept, chosen",
    [
        ("*/*", JSON),
        ("application/*", JSON),
        (f"{NPZ}, application/json;q=0.5", NPZ),
        (f"{NPZ};q=0.2, */*;q=0.1", NPZ),
        ("text/html, */*;q=0.8", JSON),
        (f"{NPZ};q=0, application/json", JSON),
        ("APPLICATION/X-NPZ", NPZ),
    ],
)
def test_accept_is_weighed(client, scorable, accept, chosen):
    assert client.score(scorable, accept=accept).headers["Content-Type"].partition(";")[0] == chosen


def test_the_request_id_is_echoed_or_made(client, scorable):
    assert client.score(scorable, headers={"X-Request-Id": "abc-123"}).headers["X-Request-Id"] == "abc-123"
    made = {client.score(scorable).headers["X-Request-Id"] for _ in range(2)}
    assert len(made) == 2
