"""Predictions of another size than labels, with padding, or with the classes last."""

import json
import os
import pathlib

import numpy as np
import pytest

import bodies
import inference
import reference
import sampling
from bodies import FORMS, arrays_of, npz
from client import Client, assert_problem
from server import run
from test_activations import softmax
from test_batches import add, finish, open_job

NPZ = "application/x-npz"
CASES = range(320)
BINARY_FORMS = [form for form in FORMS if form != "json"]
MAPS = [{}, {"ignore_label": "255,-1"}, {"label_offset": -1}, {"reduce_zero_label": "true"}]


def case(number):
    """A request's arrays and parameters, and the values of its pixels as another request would send them."""
    random = np.random.default_rng(number)
    height, width = (2 * int(extent) for extent in random.integers(1, 12, 2))
    small = tuple(int(extent) for extent in random.integers(1, 24, 2))
    images, classes = int(random.integers(1, 4)), int(random.choice([2, 3, 19, 300]))
    name = ["logits", "pred_probs", "logits", "channel"][number % 4]
    parameters = {}
    mode = [None, "bilinear", "nearest", "bilinear"][int(random.integers(4))]
    extents = small if mode else (height, width)
    padded = tuple(extent + int(random.integers(0, 4)) for extent in extents)
    channels = 1 if name == "channel" else classes
    values = (3 * random.normal(size=(images, channels, *padded))).astype(np.float32)
    values[np.arange(images), 0, 0, 0] = 30  # None of the arrays looks like probabilities.
    if name == "pred_probs":
        values = softmax(values)
    elif name == "channel":
        name, classes = "logits", 2
    dtype = np.dtype(["<f2", "<f4", "<f8", ">f4", ">f8"][number % 5])
    values = values.astype(dtype)
    pixels = values.astype(np.float64 if dtype.itemsize == 8 else np.float32)
    if padded != extents:
        parameters["valid"] = f"{extents[0]},{extents[1]}"
        pixels = pixels[:, :, : extents[0], : extents[1]]
    if mode:
        align = bool(random.integers(2)) and mode == "bilinear"
        pixels = sampling.resized(pixels, height, width, mode, align)
        parameters |= {"resize": mode} | ({"align_corners": "true"} if align else {})
    if random.integers(2):
        values = np.ascontiguousarray(np.moveaxis(values, 1, -1))
        parameters["layout"] = "NHWC"
    scoring = [{}, {"method": "num_pixel_issues"}, {"method": "num_pixel_issues", "downsample": 2}][number % 3]
    if name == "pred_probs" and number % 8 == 1:
        scoring["normalize"] = "sum"
    labels, mapping = labelled(random, (images, height, width), classes, number)
    return labels, name, values, np.ascontiguousarray(pixels), parameters, scoring | mapping


def labelled(random, shape, classes, number):
    """Labels, and the parameters that make classes of them."""
    mapping = MAPS[number // 4 % 4]
    labels = random.integers(0, classes, shape).astype("i4")
    if "label_offset" in mapping or "reduce_zero_label" in mapping:
        labels += 1
    if "reduce_zero_label" in mapping:
        labels[0, 0, 0] = 0
    if "ignore_label" in mapping:
        labels[random.random(shape) < 0.1] = -1
    return labels, mapping


def assert_same(found, expected):
    """Scores in every bit."""
    assert found.status_code == 200, found.text
    assert expected.status_code == 200, expected.text
    found, expected = arrays_of(found), arrays_of(expected)
    assert found.keys() == expected.keys()
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name])
        assert found[name].dtype == expected[name].dtype


def test_the_definition_is_what_pytorch_computes():
    checksums = json.loads(pathlib.Path(__file__).with_name("resized.json").read_text())["checksums"]
    assert len(checksums) == len(sampling.CASES)
    for number in sampling.CASES:
        values, (height, width), mode, align_corners = sampling.sample_of(number)
        resized = sampling.resized(values, height, width, mode, align_corners)
        assert sampling.checksum(resized) == checksums[str(number)], number


@pytest.mark.parametrize("number", CASES)
def test_values_are_scored_as_those_of_the_pixels(client, number):
    labels, name, values, pixels, parameters, scoring = case(number)
    form = FORMS[BINARY_FORMS[number % len(BINARY_FORMS)]]
    found = client.score(form(**{"labels": labels, name: values}), accept=NPZ, **parameters, **scoring)
    assert_same(found, client.score(npz(**{"labels": labels, name: pixels}), accept=NPZ, **scoring))


@pytest.mark.parametrize("number", CASES[::16])
def test_predictions_may_come_before_labels(client, number):
    labels, name, values, pixels, parameters, scoring = case(number)
    found = client.score(npz(**{name: values, "labels": labels}), accept=NPZ, **parameters, **scoring)
    assert_same(found, client.score(npz(**{"labels": labels, name: pixels}), accept=NPZ, **scoring))


@pytest.mark.parametrize("number", CASES[1::16])
def test_parameters_may_stand_behind_the_arrays_of_a_form(client, number):
    labels, name, values, pixels, parameters, scoring = case(number)
    body = bodies.multipart(list((parameters | scoring).items()), **{"labels": labels, name: values})
    scoring = {name: str(value) for name, value in scoring.items()}
    assert_same(
        client.score(body, accept=NPZ), client.score(npz(**{"labels": labels, name: pixels}), accept=NPZ, **scoring)
    )


def test_cleanlab_agrees(client):
    labels, logits = sample()
    answer = client.score(npz(labels=labels, logits=logits), accept=NPZ, resize="bilinear", method="num_pixel_issues")
    probabilities = softmax(sampling.resized(logits, *labels.shape[1:], "bilinear"))
    np.testing.assert_array_equal(arrays_of(answer)["label_issues"], reference.label_issues(labels, probabilities).mask)


def test_json_has_a_list_and_a_boolean(client):
    labels, logits = sample(dtype=np.float64)
    parameters = {"resize": "bilinear", "align_corners": True, "valid": [5, 6], "layout": "NHWC"}
    found = client.score(bodies.json_body(labels=labels, logits=np.moveaxis(logits, 1, -1), **parameters), accept=NPZ)
    pixels = sampling.resized(logits[:, :, :5, :6], *labels.shape[1:], "bilinear", True)
    assert_same(found, client.score(npz(labels=labels, logits=pixels), accept=NPZ))


@pytest.mark.parametrize("batches", [1, 2])
def test_a_job_samples_each_of_its_batches(client, batches):
    labels, logits = sample(images=4)
    job = open_job(client, resize="bilinear", align_corners="false", valid="5,7", layout="NHWC")
    last = np.moveaxis(logits, 1, -1)
    for start in range(0, 4, 4 // batches):
        run = slice(start, start + 4 // batches)
        add(client, job, npz(labels=labels[run], logits=last[run]))
    document = finish(client, job)
    assert document["status"] == "succeeded"
    found = {name: document["parameters"][name] for name in ("resize", "align_corners", "valid", "layout")}
    assert found == {"resize": "bilinear", "align_corners": False, "valid": [5, 7], "layout": "NHWC"}
    pixels = sampling.resized(logits[:, :, :5, :7], *labels.shape[1:], "bilinear")
    expected = arrays_of(client.score(npz(labels=labels, logits=pixels), accept=NPZ))["pixel_scores"]
    found = bodies.array_of(client.get(f"{job}/pixel_scores", headers={"Accept": "application/x-npy"}))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("method", ["softmin", "num_pixel_issues"])
@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("size", [(24, 40), (97, 130)])
def test_the_command_samples_files_with_all_processors(client, tmp_path, method, layout, size):
    labels, logits = sample(images=2, size=(128, 256), small=size)
    pixels = sampling.resized(logits[:, :, :, :-3], 128, 256, "bilinear")
    expected = arrays_of(client.score(npz(labels=labels, logits=pixels), accept=NPZ, method=method))
    np.save(tmp_path / "labels.npy", labels)
    np.save(tmp_path / "logits.npy", logits if layout == "NCHW" else np.moveaxis(logits, 1, -1).copy())
    options = ["--activation", "softmax", "--resize", "bilinear", "--valid", f"{size[0]},{size[1] - 3}"]
    files = [tmp_path / "labels.npy", tmp_path / "logits.npy"]
    done = run("score", *files, *options, "--layout", layout, "--method", method, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    for name in expected:
        np.testing.assert_array_equal(np.load(tmp_path / "out" / f"{name}.npy"), expected[name])


def test_the_command_aligns_corners(client, tmp_path):
    labels, logits = sample()
    np.savez(tmp_path / "both.npz", labels=labels, logits=logits)
    options = ["--resize", "bilinear", "--align-corners", "--out", tmp_path / "out"]
    done = run("score", tmp_path / "both.npz", *options)
    assert done.returncode == 0, done.stderr
    pixels = sampling.resized(logits, *labels.shape[1:], "bilinear", True)
    expected = arrays_of(client.score(npz(labels=labels, logits=pixels), accept=NPZ))["pixel_scores"]
    np.testing.assert_array_equal(np.load(tmp_path / "out" / "pixel_scores.npy"), expected)


@pytest.mark.parametrize("binary", [True, False])
def test_the_inference_protocol_samples(client, binary):
    labels, logits = sample()
    last = np.ascontiguousarray(np.moveaxis(logits, 1, -1))
    inputs = [inference.tensor("labels", labels, binary), inference.tensor("logits", last, binary)]
    request = inference.inference(
        inputs, parameters={"resize": "nearest", "layout": "NHWC", "valid": "6,7", "align_corners": False}
    )
    answer = inference.infer(client, request)
    assert answer.status_code == 200, answer.text
    pixels = sampling.resized(logits[:, :, :6, :7], *labels.shape[1:], "nearest")
    expected = arrays_of(client.score(npz(labels=labels, logits=pixels), accept=NPZ))["pixel_scores"]
    found = next(output for output in answer.json()["outputs"] if output["name"] == "pixel_scores")["data"]
    np.testing.assert_array_equal(np.reshape(found, expected.shape).astype(np.float32), expected)


@pytest.mark.parametrize(
    "how, parameters, status, slug, parameter, words",
    [
        ("small", {}, 422, "shape-mismatch", "resize", "resize=bilinear"),
        ("last", {}, 422, "shape-mismatch", "layout", "layout=NHWC"),
        ("small", {"resize": "cubic"}, 400, "invalid-parameter", "resize", "bilinear or nearest"),
        (
            "small",
            {"resize": "nearest", "align_corners": "true"},
            400,
            "invalid-parameter",
            "align_corners",
            "bilinear",
        ),
        ("small", {"align_corners": "true"}, 400, "invalid-parameter", "align_corners", "no resize"),
        ("small", {"resize": "bilinear", "valid": "7,9"}, 400, "invalid-parameter", "valid", "6,9"),
        ("small", {"resize": "bilinear", "valid": "7"}, 400, "invalid-parameter", "valid", "h,w"),
        ("small", {"resize": "bilinear", "valid": "0,3"}, 400, "invalid-parameter", "valid", "at least 1"),
        ("small", {"resize": "bilinear", "valid": "3,9e9"}, 400, "invalid-parameter", "valid", "h,w"),
        ("whole", {"valid": "6,9"}, 422, "shape-mismatch", "resize", "another size"),
        ("small", {"layout": "HWC"}, 400, "invalid-parameter", "layout", "NCHW or NHWC"),
        ("columns", {"resize": "bilinear"}, 422, "unsupported-order", "logits", "np.ascontiguousarray"),
        ("flat", {"resize": "bilinear"}, 422, None, "logits", "(N, K, H, W)"),
        ("nan", {"resize": "bilinear"}, 422, "probability-out-of-range", "logits", "nan"),
        ("fewer images", {"resize": "bilinear"}, 422, "shape-mismatch", "logits", "(2, 4, 12, 16)"),
    ],
)
def test_what_cannot_be_sampled_is_refused_with_a_sentence(client, how, parameters, status, slug, parameter, words):
    labels, logits = sample()
    bad = {
        "small": lambda x: x,
        "whole": lambda x: np.zeros((2, 4, 12, 16), np.float32),
        "last": lambda x: np.zeros((2, 12, 16, 4), np.float32),
        "columns": np.asfortranarray,
        "flat": lambda x: x[0, 0],
        "nan": lambda x: np.where(x == x[1, 2, 3, 4], np.nan, x),
        "fewer images": lambda x: x[:1],
    }
    answer = client.score(npz(labels=labels, logits=bad[how](logits)), **parameters)
    problem = answer.json()
    assert answer.status_code == status, problem
    if slug:
        assert_problem(answer, status, slug, parameter)
    assert words in " ".join(str(problem.get(member, "")) for member in ("detail", "expected", "actual"))


def sample(images=2, dtype=np.float32, size=(12, 16), small=(6, 9)):
    random = np.random.default_rng(7)
    labels = random.integers(0, 4, (images, *size)).astype(np.uint8)
    return labels, (3 * random.normal(size=(images, 4, *small))).astype(dtype)


def test_one_processor_finds_what_several_find(client, start_server):
    """One takes values as they arrive; several share those that are far fewer than what is made of them."""
    random = np.random.default_rng(5)
    labels = random.integers(0, 5, (3, 90, 70)).astype(np.uint8)
    logits = random.normal(size=(3, 5, 23, 18)).astype(np.float16)
    server = start_server(prefix=["taskset", "--cpu-list", str(min(os.sched_getaffinity(0)))])
    with Client(server) as alone:
        for parameters in ({}, {"method": "num_pixel_issues"}, {"method": "num_pixel_issues", "downsample": 2}):
            answers = [
                arrays_of(each.score(npz(labels=labels, logits=logits), accept=NPZ, resize="bilinear", **parameters))
                for each in (alone, client)
            ]
            assert answers[0].keys() == answers[1].keys()
            for name, array in answers[0].items():
                np.testing.assert_array_equal(array, answers[1][name])
