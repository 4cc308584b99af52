"""Logits, weights and single channels: what models give in place of probabilities."""

import numpy as np
import pytest

import bodies
import inference
import reference
from bodies import FORMS, arrays_of, npz
from client import assert_problem
from server import run
from test_batches import add, finish, open_job

NPZ = "application/x-npz"
METHODS = [{}, {"method": "num_pixel_issues"}, {"method": "num_pixel_issues", "downsample": 2}]
CASES = range(120)
BINARY_FORMS = [form for form in FORMS if form != "json"]


def softmax(logits):
    """In two passes over float64, in the type that scores have."""
    wide = np.exp(logits.astype(np.float64) - logits.max(1, keepdims=True))
    return typed(wide / wide.sum(1, keepdims=True), logits)


def sigmoid(logits):
    with np.errstate(over="ignore"):
        return typed(1 / (1 + np.exp(-logits.astype(np.float64))), logits)


def two_classes(second, like):
    return typed(np.concatenate([1 - second.astype(np.float64), second], axis=1), like)


def typed(values, like):
    return values.astype(np.float64 if like.dtype.itemsize == 8 else np.float32)


def case(number):
    """A request's arrays and parameters, and the probabilities that they stand for."""
    random = np.random.default_rng(number)
    shape = (int(random.integers(1, 4)), 2 * int(random.integers(1, 9)), 2 * int(random.integers(1, 12)))
    classes = int(random.choice([2, 3, 19, 300]))
    dtype = np.dtype(["<f2", "<f4", "<f8", ">f4"][number % 4])
    parameters = dict(METHODS[number % 3])
    kind = ["logits", "softmax", "sigmoid", "sum", "channel", "channel of probabilities"][number % 6]
    if kind.startswith("channel"):
        classes = 2
    labels = random.integers(0, classes, shape).astype(["u1", "i8", "u2"][number % 3] if classes < 256 else "i4")
    channels = 1 if kind.startswith("channel") else classes
    values = random.normal(size=(shape[0], channels, *shape[1:])).astype(np.float32)
    values[np.arange(shape[0]), 0, 0, 0] = 3  # None of the arrays looks like probabilities.
    name = "pred_probs"
    if kind in ("logits", "softmax"):
        values = (values * random.choice([1, 10, 100])).astype(dtype)
        name, probabilities = ("logits", softmax(values)) if kind == "logits" else (name, softmax(values))
        parameters |= {"activation": "softmax"} if kind == "softmax" else {}
    elif kind == "sigmoid":
        values, parameters = values.astype(dtype), parameters | {"activation": "sigmoid"}
        probabilities = sigmoid(values)
    elif kind == "sum":
        values, parameters = np.abs(values).astype(dtype), parameters | {"normalize": "sum"}
        wide = values.astype(np.float64)
        probabilities = typed(wide / wide.sum(1, keepdims=True), values)
    elif kind == "channel":
        name, values = "logits", values.astype(dtype)
        wide = values.astype(np.float64)
        probabilities = typed(np.concatenate([1 / (1 + np.exp(wide)), 1 / (1 + np.exp(-wide))], axis=1), values)
    else:
        values, parameters = sigmoid(values).astype(dtype), parameters | {"classes": 2}
        probabilities = two_classes(values, values)
    # Blocks of a softmax come twice, for which columns would have to be read back and forth.
    columns = number % 5 == 0 and not ("downsample" in parameters and kind in ("logits", "softmax", "sum"))
    return labels, name, np.asfortranarray(values) if columns else values, probabilities, parameters


def ulps(found, expected):
    """The distance of float32 or float64 values, in units of the expected one's last place."""
    return np.abs(found.astype(np.float64) - expected) / np.spacing(np.maximum(expected, np.finfo(expected.dtype).tiny))


def assert_scores_of(answer, labels, probabilities, parameters):
    assert answer.status_code == 200, answer.text
    found = arrays_of(answer)
    own = np.take_along_axis(probabilities, labels[:, None].astype(np.int64), 1)[:, 0]
    assert found["pixel_scores"].dtype == own.dtype
    assert ulps(found["pixel_scores"], own).max() <= (1 if own.dtype == np.float32 else 16)
    if "method" not in parameters:
        expected = reference.image_scores(labels, probabilities)
        np.testing.assert_allclose(found["image_scores"], expected, rtol=0, atol=2e-6)
        return
    # By one or two units in the last place a pixel may lie on the other side of a threshold.
    issues = reference.label_issues(labels, probabilities, parameters.get("downsample", 1)).mask
    assert np.count_nonzero(found["label_issues"] != issues) <= 2


@pytest.mark.parametrize("number", CASES)
def test_what_models_give_is_scored_as_the_probabilities_that_it_stands_for(client, number):
    labels, name, values, probabilities, parameters = case(number)
    body = FORMS[BINARY_FORMS[number % len(BINARY_FORMS)]](**{"labels": labels, name: values})
    assert_scores_of(client.score(body, accept=NPZ, **parameters), labels, probabilities, parameters)


@pytest.mark.parametrize("number", CASES[::5])
def test_predictions_may_come_before_labels(client, number):
    labels, name, values, probabilities, parameters = case(number)
    body = FORMS[BINARY_FORMS[number % len(BINARY_FORMS)]](**{name: values, "labels": labels})
    assert_scores_of(client.score(body, accept=NPZ, **parameters), labels, probabilities, parameters)


@pytest.mark.parametrize("parameters", METHODS)
def test_json_has_logits_too(client, parameters):
    labels, logits = sample(dtype=np.float64)
    body = bodies.json_body(labels=labels, logits=logits, **parameters)
    assert_scores_of(client.score(body, accept=NPZ), labels, softmax(logits), parameters)


@pytest.mark.parametrize("parameters", METHODS)
def test_parameters_may_stand_behind_the_arrays_of_a_form(client, parameters):
    labels, logits = sample()
    parameters = parameters | {"activation": "softmax"}
    parts = [(name, str(value)) for name, value in parameters.items()]
    body = bodies.multipart(parts, labels=labels, pred_probs=logits)
    assert_scores_of(client.score(body, accept=NPZ), labels, softmax(logits), parameters)


def test_a_job_takes_logits_in_batches(client):
    labels, logits = sample(images=6)
    job = open_job(client, method="num_pixel_issues")
    for start in range(0, 6, 2):
        add(client, job, npz(labels=labels[start : start + 2], logits=logits[start : start + 2]))
    assert finish(client, job)["status"] == "succeeded"
    found = client.get(f"{job}/label_issues", headers={"Accept": "application/x-npy"})
    expected = client.score(npz(labels=labels, logits=logits), accept=NPZ, method="num_pixel_issues")
    np.testing.assert_array_equal(bodies.array_of(found), arrays_of(expected)["label_issues"])
    assert_scores_of(expected, labels, softmax(logits), {"method": "num_pixel_issues"})


def test_a_job_may_say_how_its_batches_become_probabilities(client):
    labels, logits = sample(images=4)
    job = open_job(client, activation="softmax", normalize="sum")
    for start in (0, 2):
        add(client, job, npz(labels=labels[start : start + 2], pred_probs=logits[start : start + 2]))
    assert finish(client, job)["status"] == "succeeded"
    expected = client.score(npz(labels=labels, logits=logits), accept=NPZ)
    found = bodies.array_of(client.get(f"{job}/pixel_scores", headers={"Accept": "application/x-npy"}))
    np.testing.assert_array_equal(found, arrays_of(expected)["pixel_scores"])


def test_the_job_says_what_it_was_asked_for(client):
    labels, logits = sample()
    answer = client.score(npz(labels=labels, pred_probs=logits), activation="softmax", normalize="sum")
    job = client.get(f"/jobs/{answer.json()['job']}").json()
    assert job["parameters"]["activation"] == "softmax"
    assert job["parameters"]["normalize"] == "sum"
    assert job["shape"]["classes"] == 4


@pytest.mark.parametrize("parameters", METHODS)
def test_the_command_takes_logits(tmp_path, parameters):
    labels, logits = sample()
    np.save(tmp_path / "labels.npy", labels)
    np.save(tmp_path / "logits.npy", logits)
    np.savez(tmp_path / "both.npz", labels=labels, logits=logits)
    options = [text for name, value in parameters.items() for text in (f"--{name.replace('_', '-')}", str(value))]
    ways = [
        [tmp_path / "labels.npy", tmp_path / "logits.npy", "--activation", "softmax"],
        [tmp_path / "both.npz"],
        [tmp_path / "both.npz", "--read", "all"],
    ]
    for number, way in enumerate(ways):
        out = tmp_path / f"out{number}"
        done = run("score", *way, *options, "--out", out)
        assert done.returncode == 0, done.stderr
        own = np.take_along_axis(softmax(logits), labels[:, None].astype(np.int64), 1)[:, 0]
        assert ulps(np.load(out / "pixel_scores.npy"), own).max() <= 1


@pytest.mark.parametrize("binary", [True, False])
def test_the_inference_protocol_takes_logits(client, binary):
    labels, logits = sample()
    inputs = [inference.tensor("labels", labels, binary), inference.tensor("logits", logits, binary)]
    answer = inference.infer(client, inference.inference(inputs))
    assert answer.status_code == 200, answer.text
    expected = arrays_of(client.score(npz(labels=labels, logits=logits), accept=NPZ))["pixel_scores"]
    found = next(output for output in answer.json()["outputs"] if output["name"] == "pixel_scores")["data"]
    np.testing.assert_array_equal(np.reshape(found, expected.shape).astype(np.float32), expected)


def test_classes_that_are_masked_out_have_no_probability(client):
    labels, logits = sample()
    logits[:, 1] = -np.inf
    answer = arrays_of(client.score(npz(labels=labels, logits=logits), accept=NPZ))
    assert (answer["pixel_scores"][labels == 1] == 0).all()


@pytest.mark.parametrize(
    "arrays, parameters, status, slug, parameter, words",
    [
        ({"logits": "nan"}, {}, 422, "probability-out-of-range", "logits", "logits[1, 2, 3, 4] is nan"),
        ({"logits": "inf"}, {}, 422, "probability-out-of-range", "logits", "a softmax cannot take"),
        ({"logits": "impossible"}, {}, 422, "probability-out-of-range", "logits", "all minus infinity"),
        ({"logits": "softmax"}, {}, 422, "probability-out-of-range", "logits", "are these probabilities?"),
        ({"logits": "last"}, {}, 422, "shape-mismatch", "layout", "layout=NHWC"),
        ({"logits": "small"}, {}, 422, "shape-mismatch", "resize", "(2, 4, 3, 4)"),
        ({"logits": "flat"}, {}, 422, "shape-mismatch", "logits", "(N, K, H, W)"),
        ({"logits": "int"}, {}, 422, "unsupported-element-type", "logits", "floating-point"),
        ({"logits": "", "pred_probs": ""}, {}, 400, "repeated-array", "pred_probs", "both"),
        ({"logits": "one"}, {"activation": "softmax"}, 400, "invalid-parameter", "activation", "one channel"),
        ({"logits": ""}, {"activation": "tanh"}, 400, "invalid-parameter", "activation", "softmax"),
        ({"logits": ""}, {"normalize": "max"}, 400, "invalid-parameter", "normalize", "sum"),
        ({"logits": ""}, {"classes": 3}, 422, "shape-mismatch", "classes", "4 classes"),
        ({"pred_probs": ""}, {}, 422, "probability-out-of-range", "pred_probs", "activation=softmax"),
        ({"pred_probs": ""}, {"normalize": "sum"}, 422, "probability-out-of-range", "pred_probs", "normalize=sum"),
        ({"pred_probs": "zero"}, {"normalize": "sum"}, 422, "probability-out-of-range", "pred_probs", "add to 0"),
        ({"logits": "columns"}, {"method": "num_pixel_issues", "downsample": 2}, 422, None, "logits", "C order"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_a_sentence(client, arrays, parameters, status, slug, parameter, words):
    labels, logits = sample()
    bad = {
        "": lambda x: x,
        "nan": lambda x: at(x, np.nan),
        "inf": lambda x: at(x, np.inf),
        "impossible": lambda x: np.where(np.arange(8) == 5, -np.inf, x).astype(np.float32),
        "softmax": softmax,
        "last": lambda x: np.moveaxis(x, 1, -1),
        "small": lambda x: x[:, :, ::2, ::2],
        "flat": lambda x: x[0],
        "int": lambda x: x.astype(np.int64),
        "one": lambda x: x[:, :1],
        "zero": np.zeros_like,
        "columns": np.asfortranarray,
    }
    sent = {name: bad[how](logits) for name, how in arrays.items()}
    answer = client.score(npz(labels=labels, **sent), **parameters)
    problem = answer.json()
    assert answer.status_code == status, problem
    if slug:
        assert_problem(answer, status, slug, parameter)
    assert words in " ".join(str(problem.get(member, "")) for member in ("detail", "expected", "actual"))


def at(values, value):
    values = values.copy()
    values[1, 2, 3, 4] = value
    return values


def sample(images=2, dtype=np.float32):
    random = np.random.default_rng(7)
    labels = random.integers(0, 4, (images, 6, 8)).astype(np.uint8)
    return labels, (3 * random.normal(size=(images, 4, 6, 8))).astype(dtype)
