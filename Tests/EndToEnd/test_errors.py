"""What is refused, how it is said, and that nothing is left of it."""

import base64
import gzip
import itertools
import math
import re
import warnings
import zipfile
import zlib

import numpy as np
import pytest

import bodies
import reference
from bodies import BOUNDARY, Body, archive, json_body, json_text, multipart, npy, npy_header, npz
from client import BareAnswer, BareConnection, Client, assert_problem
from server import eventually

MEGABYTE = 1 << 20
LABELS, PRED_PROBS = reference.sample(dtype=np.float64)
ARRAYS = {"labels": LABELS, "pred_probs": PRED_PROBS}
GOOD = npz(**ARRAYS)
GOOD_SCORES = reference.image_scores(**ARRAYS)


def assert_well(client):
    """The server answers right, and holds no job and no file of what came before."""
    eventually(lambda: client.job_ids() == [], "no job is left")
    eventually(lambda: client.server.spooled_files() == [], "no file is left")
    answer = client.scored(GOOD)
    np.testing.assert_allclose(answer["image_scores"], GOOD_SCORES, rtol=0, atol=1e-9)
    assert client.delete(answer["links"]["self"]).status_code == 204


def changed(name, index, value, dtype=None):
    """The good arrays with one value that is not."""
    array = ARRAYS[name].astype(dtype or ARRAYS[name].dtype)
    array[index] = value
    return ARRAYS | {name: array}


def flipped(body, offset, bits=0xFF):
    """The body with some bits of one byte flipped."""
    data = bytearray(body.data)
    data[offset] ^= bits
    return Body(bytes(data), body.fields)


def cut(body, count):
    return Body(body.data[:count], body.fields)


def zeros(megabytes):
    return itertools.repeat(bytes(MEGABYTE), megabytes)


def members(**arrays):
    return [(f"{name}.npy", array if isinstance(array, bytes) else npy(array)) for name, array in arrays.items()]


# Parameters


@pytest.mark.parametrize(
    "parameter, value",
    [
        ("method", "mean"),
        ("method", ""),
        ("temperature", "0"),
        ("temperature", "-1"),
        ("temperature", "nan"),
        ("temperature", "inf"),
        ("temperature", "1e999"),
        ("temperature", "hot"),
        ("temperature", ""),
        ("downsample", "0"),
        ("downsample", "-2"),
        ("downsample", "1.5"),
        ("threshold", "-0.01"),
        ("threshold", "1.01"),
        ("threshold", "nan"),
        ("ignore_label", "void"),
        ("ignore_label", "1.5"),
        ("include", "everything"),
        ("include", ""),
        ("include", "image_scores,image_scores"),
        ("include", "issues"),
    ],
)
@pytest.mark.parametrize("way", ["query", "part"])
def test_a_parameter_out_of_range_is_refused(client, parameter, value, way):
    if way == "query":
        answer = client.score(GOOD, **{parameter: value})
    else:
        answer = client.score(multipart([(parameter, value)], **ARRAYS))
    assert_problem(answer, 400, "invalid-parameter", parameter)
    assert_well(client)


@pytest.mark.parametrize(
    "parameter, value",
    [
        ("method", 3),
        ("temperature", "hot"),
        ("temperature", 0),
        ("temperature", [0.1]),
        ("downsample", 1.5),
        ("threshold", 2),
        ("ignore_label", 0.5),
        ("include", 5),
        ("include", ["everything"]),
        ("include", [1]),
    ],
)
def test_a_json_member_out_of_range_is_refused(client, parameter, value):
    assert_problem(client.score(json_body(**ARRAYS, **{parameter: value})), 400, "invalid-parameter", parameter)
    assert_well(client)


@pytest.mark.parametrize(
    "body, parameters",
    [
        (GOOD, {"treshold": 0.1}),
        (json_body(**ARRAYS, treshold=0.1), {}),
        (multipart([("treshold", 0.1)], **ARRAYS), {}),
    ],
    ids=["query", "json", "part"],
)
def test_an_unknown_parameter_is_refused(client, body, parameters):
    assert_problem(client.score(body, **parameters), 400, "unknown-parameter", "treshold")
    assert_well(client)


@pytest.mark.parametrize(
    "body, parameters",
    [
        (GOOD, {"temperature": [0.1, 0.1]}),
        (json_body(**ARRAYS, temperature=0.1), {"temperature": 0.1}),
        (multipart([("temperature", 0.1)], **ARRAYS), {"temperature": 0.1}),
        (multipart([("temperature", 0.1)] * 2, **ARRAYS), {}),
        (json_text('{"temperature": 1, "temperature": 1, "labels": [[[0]]], "pred_probs": [[[[1]]]]}'), {}),
    ],
    ids=["query twice", "query and json", "query and part", "part twice", "json twice"],
)
def test_a_parameter_given_twice_is_refused(client, body, parameters):
    assert_problem(client.score(body, **parameters), 400, "repeated-parameter", "temperature")
    assert_well(client)


@pytest.mark.parametrize("path", ["/jobs", "/livez", "/readyz", "/metrics", "/version", "/openapi.yaml"])
def test_every_path_refuses_an_unknown_parameter(client, path):
    assert_problem(client.get(f"{path}?verbose=1"), 400, "unknown-parameter", "verbose")


def test_every_path_of_a_job_refuses_an_unknown_parameter(client):
    path = client.scored(GOOD)["links"]["self"]
    results = ("image_scores", "pixel_scores", "issues", "label_issues", "statistics", "names", "ranking", "summary")
    requests = [("GET", ""), *(("GET", f"/{result}") for result in results)]
    for method, suffix in requests + [("POST", "/cancel"), ("DELETE", "")]:
        answer = client.request(method, f"{path}{suffix}?verbose=1")
        assert_problem(answer, 400, "unknown-parameter", "verbose")
    assert client.delete(path).status_code == 204


# Bytes that are not what they promise


STORED = npz(**ARRAYS)
DEFLATED = npz(compressed=True, **ARRAYS)
STREAMED = bodies.npz_streamed(compressed=True, **ARRAYS)
JSON = json_body(**ARRAYS)
FORM = multipart(**ARRAYS)
GZIPPED = bodies.gzipped(GOOD)


def with_labels(data):
    return multipart(labels=data, pred_probs=PRED_PROBS)


MALFORMED = {
    "npz cut in its first header": cut(STORED, 20),
    "npz cut in an array": cut(STORED, len(STORED.data) // 2),
    "npz cut in its directory": cut(STORED, len(STORED.data) - 30),
    "deflated npz cut": cut(DEFLATED, len(DEFLATED.data) // 2),
    "streamed npz cut": cut(STREAMED, len(STREAMED.data) // 2),
    "npz with a label that its check sum does not fit": flipped(STORED, STORED.data.index(npy(LABELS)) + 140, bits=1),
    "npy with another magic": with_labels(b"\x93NUMPI" + npy(LABELS)[6:]),
    "npy of version 9": with_labels(b"\x93NUMPY\x09\x00" + npy(LABELS)[8:]),
    "npy with a header that is no dictionary": with_labels(npy(LABELS).replace(b"{'descr'", b"['descr'")),
    "npy without a shape": with_labels(npy(LABELS).replace(b"'shape'", b"'shave'")),
    "npy with a negative extent": with_labels(npy_header("|u1", (-1, 5, 7)) + bytes(35)),
    "npy cut in its header": with_labels(npy(LABELS)[:40]),
    "npy cut in its elements": with_labels(npy(LABELS)[:-1]),
    "empty part": with_labels(b""),
    "json cut": cut(JSON, len(JSON.data) - 1),
    "json with text after it": Body(JSON.data + b"]", JSON.fields),
    "json of another kind": json_text("[1, 2]"),
    "json with a word in an array": json_text('{"labels": [[["cat"]]], "pred_probs": [[[[1]]]]}'),
    "json with a ragged array": json_text('{"labels": [[[0, 0], [0]]], "pred_probs": [[[[1, 1], [1, 1]]]]}'),
    "json with NaN": json_text('{"labels": [[[0]]], "pred_probs": [[[[NaN]]]]}'),
    "json that is not UTF-8": Body(b'{"labels": [[[0]]], "pred_probs": [[[[1]]]], "\xff": 1}', JSON.fields),
    "json nested without end": json_text('{"labels": ' + "[" * 5000),
    "gzip cut": cut(GZIPPED, len(GZIPPED.data) // 2),
    "gzip with a wrong check sum": flipped(GZIPPED, len(GZIPPED.data) - 6),
    "no gzip": Body(GOOD.data, GZIPPED.fields),
    "form without its last boundary": multipart(closed=False, **ARRAYS),
    "form cut in an array": cut(FORM, len(FORM.data) // 2),
    "form without a boundary": Body(FORM.data, {"Content-Type": "multipart/form-data"}),
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
def test_bytes_that_are_not_what_they_promise_are_refused(client, body):
    assert_problem(client.score(body), 400, "malformed-body")
    assert_well(client)


@pytest.mark.parametrize("form", bodies.FORMS)
def test_a_body_cut_anywhere_is_refused(client, form):
    whole = bodies.FORMS[form](labels=np.zeros((1, 2, 2), np.uint8), pred_probs=np.full((1, 1, 2, 2), 0.5))
    minimum = 4 if form == "multipart" else 5
    for count in range(minimum, len(whole.data) - 4, 13):
        answer = client.score(cut(whole, count))
        assert answer.status_code == 400, f"cut after {count} of {len(whole.data)} bytes: {answer.status_code}"
    assert_well(client)


@pytest.mark.parametrize(
    "body", [STORED, DEFLATED, STREAMED, GZIPPED], ids=["stored", "deflated", "streamed", "gzipped"]
)
def test_a_flipped_byte_does_no_harm(client, body):
    """Some bytes are of no meaning, as the time in a zip entry; all others are noticed."""
    for offset in range(0, len(body.data), 29):
        answer = client.score(flipped(body, offset))
        assert answer.status_code in (200, 400, 413, 415, 422), f"byte {offset}: {answer.status_code}"
        if answer.status_code == 200:
            np.testing.assert_allclose(answer.json()["image_scores"], GOOD_SCORES, rtol=0, atol=1e-9)
            assert client.delete(answer.headers["Location"]).status_code == 204
    assert_well(client)


@pytest.mark.parametrize("name", ["labels", "pred_probs"])
def test_a_missing_array_is_named(client, name):
    rest = {other: array for other, array in ARRAYS.items() if other != name}
    for form in bodies.FORMS.values():
        assert_problem(client.score(form(**rest)), 400, "missing-array", name)
    assert_well(client)


@pytest.mark.parametrize("text", ["null", "7", '"text"', "true", "-1", "[]", "\ufeffnull"])
def test_json_that_is_no_object_is_refused_as_such(client, text):
    assert_problem(client.score(json_text(text)), 400, "malformed-body")
    assert_problem(client.score(json_text(text), path="/issues"), 400, "malformed-body")
    assert_well(client)


@pytest.mark.parametrize(
    "body",
    [
        Body(b"\xef\xbb\xbf" + JSON.data, JSON.fields),
        Body(b"\xef\xbb\xbf" + JSON.data),
        Body(zlib.compress(GOOD.data), GOOD.fields | {"Content-Encoding": "deflate"}),
        Body(zlib.compress(GOOD.data, wbits=-15), GOOD.fields | {"Content-Encoding": "Deflate"}),
        with_labels(npy(LABELS) + b"behind it"),
        with_labels(npy(LABELS).replace(b"'|u1',", b"'B',  ")),
        with_labels(npy(LABELS).replace(b"'|u1'", b"'uint8'").replace(b"   \n", b" \n", 1)),
        json_body(**ARRAYS, threshold=None, ignore_label=None, downsample=1.0),
        json_body(**ARRAYS, ignore_label=255.0),
    ],
    ids=[
        "byte order mark",
        "the same by itself",
        "deflate",
        "bare deflate",
        "bytes behind",
        "a letter",
        "a name",
        "null",
        "a whole number",
    ],
)
def test_what_others_write_is_taken(client, body):
    answer = client.scored(body)
    np.testing.assert_allclose(answer["image_scores"], GOOD_SCORES, rtol=0, atol=1e-9)
    assert client.delete(answer["links"]["self"]).status_code == 204
    assert_well(client)


def test_a_jobs_parameters_can_be_sent_again(client):
    for parameters in ({"temperature": 0.25}, {"method": "num_pixel_issues", "ignore_label": 3, "threshold": 0.5}):
        first = client.scored(GOOD, **parameters)
        told = client.get(first["links"]["self"]).json()["parameters"]
        again = client.scored(json_body(**ARRAYS, **told))
        assert again["method"] == first["method"]
        np.testing.assert_allclose(again["image_scores"], first["image_scores"], rtol=0, atol=1e-6)
        assert client.get(again["links"]["self"]).json()["parameters"] == told
        for answer in (first, again):
            assert client.delete(answer["links"]["self"]).status_code == 204
    assert_well(client)


@pytest.mark.parametrize("value", [{"a": "b"}, {"a": 1}, [1, 2], None, "text", 3])
def test_an_unknown_member_is_called_unknown(client, value):
    assert_problem(client.score(json_body(**ARRAYS, metadata=value)), 400, "unknown-parameter", "metadata")
    assert_well(client)


def test_curl_without_data_binary_is_told_of_it(client):
    """`-d @file` drops line ends and zeros."""
    for data in (GOOD.data, npy(LABELS)):
        damaged = data.replace(b"\r", b"").replace(b"\n", b"").replace(b"\0", b"")
        answer = client.score(Body(damaged, {"Content-Type": "application/x-www-form-urlencoded"}))
        assert answer.status_code in (400, 415) and "use --data-binary" in answer.json()["detail"]
    assert_well(client)


@pytest.mark.parametrize(
    "part, words",
    [
        (base64.b64encode(npy(LABELS)), "base64"),
        (b"\x89PNG\r\n\x1a\n", "PNG image ends early"),
        (gzip.compress(npy(LABELS)), "Content-Encoding"),
        (b"[[[0]]]", "JSON"),
    ],
)
def test_a_part_of_another_form_is_guessed_at(client, part, words):
    problem = assert_problem(client.score(with_labels(part)), 400, "malformed-body", "labels")
    assert words in problem["detail"]
    assert_well(client)


def test_a_part_that_is_an_npz_without_the_array_is_named(client):
    part = npz(masks=LABELS, pred_probs=PRED_PROBS).data
    problem = assert_problem(client.score(with_labels(part)), 400, "missing-array", "labels")
    assert problem["actual"] == "masks, pred_probs"
    assert_well(client)


def test_a_boundary_that_is_too_long_is_named(client):
    body = Body(b"--" + b"x" * 200, {"Content-Type": "multipart/form-data; boundary=" + "x" * 200})
    problem = assert_problem(client.score(body), 400, "malformed-body")
    assert "70" in problem["expected"] and problem["actual"].startswith("200 characters")
    assert_well(client)


def test_an_empty_body_is_refused(client):
    assert client.post("/score").status_code == 400
    assert client.post("/score", data="{}", headers=JSON.fields).status_code == 400
    assert_well(client)


@pytest.mark.parametrize("first", [True, False])
def test_an_array_too_many_of_a_form_is_named(client, first):
    extra = {"weights": np.zeros(3)}
    arrays = extra | ARRAYS if first else ARRAYS | extra
    assert_problem(client.score(multipart(**arrays)), 400, "unexpected-array", "weights")
    assert_well(client)


@pytest.mark.parametrize("form", ["npz", "npz deflated", "npz streamed"])
@pytest.mark.parametrize("first", [True, False])
def test_what_else_is_in_an_archive_is_passed_over_and_named(client, form, first):
    extra = {"inputs": np.zeros(3), "ids": np.arange(3)}
    arrays = extra | ARRAYS if first else ARRAYS | extra
    answer = client.scored(bodies.FORMS[form](**arrays))
    assert answer["ignored"] == ["inputs.npy", "ids.npy"]
    np.testing.assert_allclose(answer["image_scores"], GOOD_SCORES, rtol=0, atol=1e-9)
    assert client.get(answer["links"]["self"]).json()["ignored"] == ["inputs.npy", "ids.npy"]
    assert client.delete(answer["links"]["self"]).status_code == 204
    for name in ARRAYS:
        rest = {other: array for other, array in arrays.items() if other != name}
        problem = assert_problem(client.score(bodies.FORMS[form](**rest)), 400, "missing-array", name)
        assert problem["actual"] == "inputs.npy, ids.npy"
    assert_well(client)


def test_an_archive_may_have_folders_and_what_a_mac_puts_beside_files(client):
    files = [(f"run/{name}", data) for name, data in members(**ARRAYS)]
    beside = [("run/", b""), ("README.txt", b"Read me."), ("__MACOSX/", b""), ("__MACOSX/run/._labels.npy", b"Mac")]
    for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        answer = client.scored(archive(beside[:2] + files + beside[2:], compression))
        assert answer["ignored"] == [name for name, _ in beside]
        assert client.delete(answer["links"]["self"]).status_code == 204
    assert_well(client)


@pytest.mark.parametrize("name", ["probabilities", "softmax"])
@pytest.mark.parametrize("form", bodies.FORMS)
def test_probabilities_have_other_names(client, form, name):
    answer = client.scored(bodies.FORMS[form](labels=LABELS, **{name: PRED_PROBS}))
    assert client.delete(answer["links"]["self"]).status_code == 204
    body = bodies.FORMS[form](**ARRAYS, **{name: PRED_PROBS})
    problem = assert_problem(client.score(body), 400, "repeated-array", "pred_probs")
    assert name in problem["detail"]
    assert_well(client)


def archive_with_labels_twice():
    with warnings.catch_warnings(action="ignore"):
        return archive(members(**ARRAYS) + members(labels=LABELS))


@pytest.mark.parametrize(
    "body",
    [
        archive_with_labels_twice(),
        Body(FORM.data.replace(f"--{BOUNDARY}--\r\n".encode(), b"") + multipart(labels=LABELS).data, FORM.fields),
        json_text('{"labels": [[[0]]], "labels": [[[0]]], "pred_probs": [[[[1]]]]}'),
    ],
    ids=["npz", "multipart", "json"],
)
def test_an_array_sent_twice_is_named(client, body):
    assert_problem(client.score(body), 400, "repeated-array", "labels")
    assert_well(client)


@pytest.mark.parametrize(
    "body",
    [
        Body(b"labels and probabilities"),
        Body(b"labels and probabilities", {"Content-Type": "text/plain"}),
        Body(npy(LABELS), {"Content-Type": "application/x-npy"}),
        Body(b"\x89PNG\r\n\x1a\n" + bytes(50)),
        Body(GOOD.data, {"Content-Encoding": "br"}),
        Body(gzip.compress(b"hello"), GZIPPED.fields),
    ],
    ids=["text", "named text", "npy", "png", "brotli", "gzipped text"],
)
def test_a_body_in_another_form_is_told_what_is_taken(client, body):
    problem = assert_problem(client.score(body), 415, "unsupported-media-type")
    expected = str(problem["expected"])
    assert ("gzip" if body.fields.get("Content-Encoding") == "br" else "npz") in expected
    assert_well(client)


# Arrays that make no sense


def both_orders(test):
    """Runs a test with `labels` ahead of `pred_probs` and behind."""
    return pytest.mark.parametrize("labels_first", [True, False])(test)


def in_order(arrays, labels_first):
    names = ("labels", "pred_probs") if labels_first else ("pred_probs", "labels")
    return npz(**{name: arrays[name] for name in names})


SHAPES = {
    "other N": (LABELS[:2], PRED_PROBS),
    "other H": (LABELS[:, :4], PRED_PROBS),
    "other W": (LABELS, PRED_PROBS[..., :6]),
    "turned": (LABELS.transpose(0, 2, 1), PRED_PROBS),
    "labels of one image": (LABELS[0], PRED_PROBS),
    "pred_probs of one image": (LABELS, PRED_PROBS[0]),
    "labels with a channel": (LABELS[:, None], PRED_PROBS),
    "classes last": (LABELS, PRED_PROBS.transpose(0, 2, 3, 1)),
    "a scalar": (np.uint8(0), PRED_PROBS),
}


@both_orders
@pytest.mark.parametrize("labels, pred_probs", SHAPES.values(), ids=SHAPES)
def test_shapes_that_do_not_match_are_refused(client, labels, pred_probs, labels_first):
    body = in_order({"labels": labels, "pred_probs": pred_probs}, labels_first)
    problem = assert_problem(client.score(body), 422, "shape-mismatch")
    assert problem["parameter"] in ("labels", "pred_probs", "resize", "layout")
    assert_well(client)


@both_orders
@pytest.mark.parametrize("shape", [(0, 4, 5, 7), (3, 0, 5, 7), (3, 4, 0, 7), (3, 4, 5, 0)])
def test_extents_of_zero_are_refused(client, shape, labels_first):
    images, _, height, width = shape
    arrays = {"labels": np.zeros((images, height, width), np.uint8), "pred_probs": np.zeros(shape)}
    assert_problem(client.score(in_order(arrays, labels_first)), 422, "empty-array")
    assert_well(client)


ELEMENT_TYPES = {
    "complex labels": ("labels", LABELS.astype(complex)),
    "labels as strings": ("labels", LABELS.astype("U1")),
    "labels as bytes": ("labels", LABELS.astype("S1")),
    "labels as objects": ("labels", npy_header("|O", (3, 5, 7))),
    "labels as dates": ("labels", LABELS.astype("M8[s]")),
    "complex pred_probs": ("pred_probs", PRED_PROBS.astype("c8")),
    "integer pred_probs": ("pred_probs", PRED_PROBS.astype(int)),
    "bool pred_probs": ("pred_probs", PRED_PROBS > 0.5),
    "long double pred_probs": ("pred_probs", PRED_PROBS.astype(np.longdouble)),
}


@pytest.mark.parametrize("name, array", ELEMENT_TYPES.values(), ids=ELEMENT_TYPES)
def test_other_element_types_are_refused(client, name, array):
    data = array if isinstance(array, bytes) else npy(array)
    answer = client.score(archive(members(**(ARRAYS | {name: data}))))
    assert_problem(answer, 422, "unsupported-element-type", name)
    assert_well(client)


def test_bfloat16_that_numpy_has_loaded_and_saved_again_is_refused_with_a_way_out(client):
    data = npy(np.zeros(PRED_PROBS.shape, "V2"))
    answer = client.score(archive(members(labels=LABELS, pred_probs=data)))
    problem = assert_problem(answer, 422, "unsupported-element-type", "pred_probs")
    assert "array.view(ml_dtypes.bfloat16)" in problem["detail"]
    assert_well(client)


def assert_place_and_value(problem, index, value):
    """The problem says where and which."""
    place = r",\s*".join(map(str, index))
    assert re.search(rf"\b{place}\b", problem["detail"]), problem
    actual = float(problem["actual"])
    assert actual == pytest.approx(float(value), rel=1e-6, nan_ok=True), problem


@both_orders
@pytest.mark.parametrize(
    "value, dtype",
    [
        (4, "u1"),
        (255, "u1"),
        (-1, "i1"),
        (-1, ">i8"),
        (2**31, "u4"),
        (2**63, "u8"),
        (-(2**63), "i8"),
        (256, "i4"),
        (4, "f2"),
        (-1, "f8"),
        (1e30, "f8"),
    ],
)
def test_a_label_out_of_range_is_pointed_at(client, value, dtype, labels_first):
    body = in_order(changed("labels", (2, 3, 4), value, dtype), labels_first)
    problem = assert_problem(client.score(body), 422, "label-out-of-range", "labels")
    assert_place_and_value(problem, (2, 3, 4), value)
    assert_well(client)


@both_orders
def test_ignoring_one_label_excuses_no_other(client, labels_first):
    body = in_order(changed("labels", (1, 0, 6), 254), labels_first)
    problem = assert_problem(client.score(body, ignore_label=255), 422, "label-out-of-range", "labels")
    assert_place_and_value(problem, (1, 0, 6), 254)


@pytest.mark.parametrize("value", [0.5, math.nan, math.inf])
@both_orders
def test_labels_that_are_no_whole_numbers_are_refused(client, value, labels_first):
    body = in_order(changed("labels", (0, 1, 2), value, np.float64), labels_first)
    answer = client.score(body)
    assert answer.status_code == 422
    assert answer.json()["parameter"] == "labels"
    assert_well(client)


@pytest.mark.parametrize("dtype", ["f2", "<f4", ">f4", "f8"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.25, 1.5, 7])
@both_orders
def test_a_probability_out_of_range_is_pointed_at(client, value, dtype, labels_first):
    body = in_order(changed("pred_probs", (2, 1, 3, 4), value, dtype), labels_first)
    problem = assert_problem(client.score(body), 422, "probability-out-of-range", "pred_probs")
    assert_place_and_value(problem, (2, 1, 3, 4), value)
    assert_well(client)


def test_a_fortran_array_is_pointed_into_by_its_index(client):
    arrays = changed("pred_probs", (2, 1, 3, 4), 1.5)
    answer = client.score(npz(labels=LABELS, pred_probs=np.asfortranarray(arrays["pred_probs"])))
    problem = assert_problem(answer, 422, "probability-out-of-range", "pred_probs")
    assert_place_and_value(problem, (2, 1, 3, 4), 1.5)


@both_orders
@pytest.mark.parametrize("layout", [np.ascontiguousarray, np.asfortranarray], ids=["c", "fortran"])
@pytest.mark.parametrize(
    "parameters", [{}, {"method": "num_pixel_issues"}, {"method": "num_pixel_issues", "downsample": 5}]
)
def test_rounding_is_brought_into_the_range_and_counted(client, parameters, layout, labels_first):
    labels = np.resize(LABELS, (3, 5, 10))
    probabilities = np.resize(PRED_PROBS, (3, 4, 5, 10)).astype(np.float64)
    beyond = probabilities.copy()
    beyond[0, 1, 2:4, 3] = 1.0000001
    beyond[2, 3, 0, :2] = -9e-6
    near = np.clip(beyond, 0, 1)
    answers = [
        client.score(
            in_order({"labels": labels, "pred_probs": layout(array)}, labels_first),
            **parameters,
            include="image_scores,pixel_scores",
        )
        for array in (beyond, near)
    ]
    found, expected = (answer.json() for answer in answers)
    assert found["clamped"] == 4 and "clamped" not in expected
    assert [client.get(answer["links"]["self"]).json()["clamped"] for answer in (found, expected)] == [4, 0]
    assert found["pixel_scores"] == expected["pixel_scores"] and found["image_scores"] == expected["image_scores"]
    for answer in answers:
        assert client.delete(answer.headers["Location"]).status_code == 204
    assert_well(client)


@pytest.mark.parametrize(
    "values, words", [([1.0001, 0], "rounding"), ([62, 38], "percent"), ([3.5, -1.25], "logits"), ([300, 4], "logits")]
)
def test_what_is_beyond_the_range_is_guessed_at(client, values, words):
    body = json_body(labels=np.zeros((1, 1, 1), int), pred_probs=np.reshape(values, (1, 2, 1, 1)))
    detail = assert_problem(client.score(body), 422, "probability-out-of-range", "pred_probs")["detail"]
    assert [word for word in ("rounding", "percent", "logits") if word in detail] == [words]
    assert_well(client)


def test_classes_that_come_last_are_guessed_at(client):
    body = npz(labels=LABELS, pred_probs=np.moveaxis(PRED_PROBS, 1, -1))
    problem = assert_problem(client.score(body), 422, "shape-mismatch", "layout")
    assert "(N, H, W, K)?" in problem["detail"] and problem["expected"] == str(PRED_PROBS.shape)
    assert_well(client)


def test_logits_are_asked_after(client):
    logits = np.random.default_rng(0).normal(0, 4, PRED_PROBS.shape)
    problem = assert_problem(
        client.score(npz(labels=LABELS, pred_probs=logits)), 422, "probability-out-of-range", "pred_probs"
    )
    assert "logits" in problem["detail"].lower()
    assert_well(client)


# Methods, paths, answers


@pytest.mark.parametrize(
    "method, path, allowed",
    [
        ("GET", "/score", {"POST"}),
        ("DELETE", "/score", {"POST"}),
        ("GET", "/issues", {"POST"}),
        ("GET", "/reduce", {"POST"}),
        ("DELETE", "/jobs", {"GET", "HEAD", "POST"}),
        ("PUT", "/jobs/x", {"GET", "HEAD", "DELETE"}),
        ("GET", "/jobs/x/cancel", {"POST"}),
        ("GET", "/jobs/x/batches", {"POST"}),
        ("PUT", "/jobs/x/finish", {"POST"}),
        ("POST", "/jobs/x/pixel_scores", {"GET", "HEAD"}),
        ("POST", "/jobs/x/ranking", {"GET", "HEAD"}),
        ("DELETE", "/jobs/x/label_issues", {"GET", "HEAD"}),
        ("POST", "/jobs/x/summary", {"GET", "HEAD"}),
        ("PUT", "/jobs/x/statistics", {"GET", "HEAD"}),
        ("POST", "/jobs/x/names", {"GET", "HEAD"}),
        ("POST", "/livez", {"GET", "HEAD"}),
        ("PUT", "/readyz", {"GET", "HEAD"}),
        ("POST", "/version", {"GET", "HEAD"}),
        ("POST", "/metrics", {"GET", "HEAD"}),
        ("PATCH", "/openapi.yaml", {"GET", "HEAD"}),
    ],
)
def test_another_method_is_told_which_are_allowed(client, method, path, allowed):
    answer = client.request(method, path)
    assert_problem(answer, 405, "method-not-allowed")
    assert {name.strip() for name in answer.headers["Allow"].split(",")} - {"OPTIONS"} == allowed


@pytest.mark.parametrize(
    "path", ["/page", "/scores", "/score/", "/jobs/", "/jobs/x/y/z", "/jobs/x/nothing", "/%2e%2e/etc", "//"]
)
def test_an_unknown_path_is_not_found(client, path):
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.json()["type"] in ("urn:segscore:not-found", "urn:segscore:unknown-job")


@pytest.mark.parametrize("accept", ["text/html", "image/png", "application/json;q=0", "application/x-npz;q=0, text/*"])
def test_an_answer_in_another_form_is_refused(client, accept):
    assert_problem(client.score(GOOD, accept=accept), 406, "not-acceptable")
    assert_well(client)


@pytest.fixture(scope="module")
def impatient(start_server):
    """libmicrohttpd may not see a close that comes with the last bytes of half a head: silence ends that connection."""
    with Client(start_server("--idle-timeout", "1")) as client:
        yield client


@pytest.mark.parametrize(
    "lines",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(50),
        b"GET\r\n\r\n",
        b"HELLO\r\n\r\n",
        b"POST /score HTTP/1.1\r\nHost: localhost\r\nContent-Length: many\r\n\r\n",
        b"POST /score HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
        b"POST /score HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
    ],
    ids=["tls", "no version", "no request", "no length", "negative length", "no chunk"],
)
def test_what_is_not_http_does_no_harm(impatient, lines):
    with BareConnection(impatient.server.address) as connection:
        connection.send(lines)
        answer = connection.read_to_end()
    assert answer == b"" or answer.split()[1].startswith(b"4"), answer[:200]
    assert_well(impatient)


def test_a_transfer_coding_other_than_chunked_is_not_understood(client):
    with BareConnection(client.server.address) as connection:
        connection.send_head("POST", "/score", "Transfer-Encoding: gzip")
        status, fields = connection.read_head()
        body = connection.file.read(int(fields["Content-Length"]))
    assert_problem(BareAnswer(status, fields, body), 501, "not-implemented", "Transfer-Encoding")
    assert_well(client)


# Limits


@pytest.fixture(scope="module")
def narrow(start_server):
    server = start_server("--max-body-bytes", "20000", "--max-json-bytes", "2000", "--max-pixels", "1000")
    with Client(server) as client:
        yield client


def assert_over_limit(answer, slug, limit):
    assert assert_problem(answer, 413, slug)["limit"] == limit


def test_a_body_is_refused_by_its_length_before_it_is_sent(narrow):
    for target in ("/score", "/issues", "/reduce"):
        with BareConnection(narrow.server.address) as connection:
            connection.send_head("POST", target, f"Content-Length: {10**12}", "Content-Type: application/x-npz")
            assert_over_limit(connection.read(), "body-too-large", 20000)
    assert_well(narrow)


def test_a_client_that_expects_100_continue_is_spared_the_upload(narrow):
    with BareConnection(narrow.server.address) as connection:
        connection.send_head("POST", "/score", "Content-Length: 20001", "Expect: 100-continue")
        assert connection.read_head()[0] == 413


def test_a_chunked_body_is_refused_where_it_passes_the_limit(narrow):
    large = npz(labels=np.zeros((1, 30, 30), np.uint8), pred_probs=np.zeros((1, 4, 30, 30)))
    assert len(large.data) > 20000
    assert_over_limit(narrow.score(bodies.chunked(large, 1000)), "body-too-large", 20000)
    assert_well(narrow)


def test_json_has_a_limit_of_its_own(narrow):
    large = json_body(labels=np.zeros((1, 20, 20), int), pred_probs=np.zeros((1, 1, 20, 20)))
    assert 2000 < len(large.data) < 20000
    assert_over_limit(narrow.score(large), "body-too-large", 2000)
    assert_over_limit(narrow.score(bodies.gzipped(large)), "body-too-large", 2000)
    assert_over_limit(narrow.score(bodies.chunked(large, 500)), "body-too-large", 2000)
    assert_well(narrow)


@both_orders
def test_pixels_are_counted_from_the_header(narrow, labels_first):
    def body(height, width):
        labels = np.zeros((1, height, width), np.uint8)
        return in_order({"labels": labels, "pred_probs": np.ones((1, 1, height, width), np.float32)}, labels_first)

    assert_over_limit(narrow.score(body(7, 143)), "too-many-pixels", 1000)
    answer = narrow.scored(body(25, 40))
    assert answer["image_scores"] == [1.0]
    assert narrow.delete(answer["links"]["self"]).status_code == 204
    assert_well(narrow)


@pytest.mark.parametrize("shape", [(1, 2**31, 2**31), (2**40, 2**40, 2**40), (1, 1, 2**63 - 1)])
def test_an_absurd_shape_is_refused_by_its_header(client, shape):
    body = archive([("labels.npy", npy_header("|u1", shape))])
    assert_problem(client.score(body), 413, "too-many-pixels")
    assert_well(client)


def hold_upload(server):
    """A connection whose `POST` was let in (100) and whose body is still to come, or the refusal."""
    connection = BareConnection(server.address)
    connection.send_body_head(GOOD, "Expect: 100-continue")
    status, fields = connection.read_head()
    return connection, status, fields


def test_a_full_server_says_when_to_come_back(start_server):
    server = start_server("--workers", "1", "--backlog", "1")
    client = Client(server)
    held = []
    for _ in range(4):
        connection, status, fields = hold_upload(server)
        held.append(connection)
        if status != 100:
            break
    assert status == 503, "a backlog of 1 takes no more than one job at work, one that waits and one on its way"
    assert int(fields["Retry-After"]) >= 0
    refused = client.score(GOOD)
    assert_problem(refused, 503, "at-capacity")
    assert int(refused.headers["Retry-After"]) >= 0
    assert_problem(client.get("/readyz"), 503, "at-capacity")
    assert client.get("/livez").status_code == 200
    for connection in held[:-1]:
        connection.send(GOOD.data)
        assert connection.read().status_code == 200
    eventually(lambda: client.get("/readyz").status_code == 200, "there is room again")
    for job in client.job_ids():
        assert client.delete(f"/jobs/{job}").status_code == 204
    assert_well(client)
    for connection in held:
        connection.close()


def test_memory_that_is_not_there_is_a_problem_of_its_own(start_server):
    server = start_server("--max-pixels", str(10**9))
    client = Client(server)
    assert_well(client)
    server.limit_address_space(server.address_space_bytes + 48 * MEGABYTE)
    side = 10 * 1024
    body = archive(
        [
            ("labels.npy", itertools.chain([npy_header("|u1", (1, side, side))], zeros(100))),
            ("pred_probs.npy", itertools.chain([npy_header("<f2", (1, 1, side, side))], zeros(200))),
        ]
    )
    answer = client.score(body)
    assert_problem(answer, 503, "out-of-memory")
    assert int(answer.headers["Retry-After"]) >= 0
    assert_well(client)


def test_a_full_disk_is_a_problem_of_its_own(start_server):
    server = start_server(file_size_limit=64 * 1024)
    client = Client(server)
    labels, pred_probs = reference.sample(2, 20, 64, 64)
    assert_problem(client.score(npz(pred_probs=pred_probs, labels=labels)), 507, "spool-full")
    answer = client.scored(npz(labels=labels, pred_probs=pred_probs))
    assert client.delete(answer["links"]["self"]).status_code == 204
    assert_well(client)


# Clients that stop, and bodies that grow


@pytest.mark.parametrize("target", ["/score", "/issues", "/reduce"])
def test_a_body_that_stops_arriving_times_out(start_server, target):
    server = start_server("--idle-timeout", "1")
    client = Client(server)
    with BareConnection(server.address) as connection:
        connection.send_body_head(GOOD, target=target)
        connection.send(GOOD.data[:100])
        assert_problem(connection.read(), 408, "request-timeout")
        assert connection.is_closed_by_server()
    assert_well(client)


@pytest.fixture(scope="module")
def measured(start_server):
    """A client of a server that has been used, so that its memory is what it needs anyway."""
    with Client(start_server("--max-json-bytes", str(4 * MEGABYTE))) as client:
        for _ in range(3):
            large = reference.sample(1, 3, 256, 256)
            answer = client.scored(npz(labels=large[0], pred_probs=large[1]))
            assert client.delete(answer["links"]["self"]).status_code == 204
        yield client


@both_orders
def test_a_client_that_hangs_up_leaves_nothing(measured, labels_first):
    server = measured.server
    labels, pred_probs = reference.sample(1, 8, 256, 256)
    body = in_order({"labels": labels, "pred_probs": pred_probs}, labels_first)

    def hang_up():
        with BareConnection(server.address) as connection:
            connection.send_body_head(body)
            connection.send(body.data[: len(body.data) * 3 // 4])

    def grown():
        before = server.resident_bytes
        for _ in range(90):
            hang_up()
        assert_well(measured)
        return server.resident_bytes - before

    # Up to a bound the memory of arrays is kept for the next. How many are under way at once depends on what else the
    # machine does, so that the bound may be reached late; what is left behind would be so every time.
    for _ in range(240):
        hang_up()
    assert_well(measured)
    growth = [grown()]
    while growth[-1] >= 8 * MEGABYTE and len(growth) < 6:
        growth.append(grown())
    assert growth[-1] < 8 * MEGABYTE, growth


BOMB = 96  # Megabytes, from some hundred kilobytes


@pytest.mark.parametrize(
    "make, status",
    [
        (lambda: Body(bodies.gzip_of_zeros(BOMB * MEGABYTE), {"Content-Encoding": "gzip"}), 415),
        (lambda: Body(gzip.compress(b'{"labels": [' + b" " * (BOMB * MEGABYTE)), GZIPPED.fields | JSON.fields), 413),
        (lambda: archive([("labels.npy", itertools.chain([npy_header("|u1", (1, 2, 2))], zeros(BOMB)))]), 400),
        (lambda: archive([("labels.npy", itertools.chain([npy(LABELS)], zeros(BOMB)))]), 400),
        (lambda: archive([("weights.npy", zeros(BOMB))]), 400),
        (lambda: archive([("labels.npy", npy(LABELS)), ("weights.npy", zeros(BOMB))]), 400),
        (lambda: archive([("labels.npy", b"\x93NUMPY\x02\x00" + b"\xff" * 4 + bytes(MEGABYTE))]), 400),
        (lambda: multipart([("temperature", "1" * (8 * MEGABYTE))], **ARRAYS), 400),
    ],
    ids=[
        "gzip",
        "gzipped json",
        "array beyond its shape",
        "array with a tail",
        "member ahead",
        "member behind",
        "npy header of 4 GB",
        "long text part",
    ],
)
def test_a_bomb_goes_off_in_constant_memory(measured, make, status):
    server = measured.server
    assert_well(measured)
    body = make()
    server.forget_peak()
    before = server.resident_bytes
    assert measured.score(body).status_code == status
    assert server.peak_resident_bytes - before < 40 * MEGABYTE
    assert_well(measured)


def test_a_pile_of_classes_goes_by_in_constant_memory(measured):
    """With `labels` first, memory grows with the pixels and not with the classes."""
    server = measured.server
    labels = np.zeros((1, 256, 256), np.uint8)
    classes = BOMB * 4  # of a quarter of a megabyte each
    body = archive(
        [
            ("labels.npy", npy(labels)),
            ("pred_probs.npy", itertools.chain([npy_header("<f4", (1, classes, 256, 256))], zeros(BOMB))),
        ]
    )
    server.forget_peak()
    before = server.resident_bytes
    answer = measured.scored(body)
    assert answer["image_scores"] == [0.0]
    assert server.peak_resident_bytes - before < 40 * MEGABYTE
    assert measured.delete(answer["links"]["self"]).status_code == 204
