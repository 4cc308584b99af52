"""`own`, `largest` and `predicted` in place of probabilities, and what `POST /reduce` makes of any body."""

import itertools

import numpy as np
import pytest

import bodies
import inference
import masks
import reference
from bodies import FORMS, arrays_of, npz
from client import BareConnection, Client, assert_problem
from server import eventually, run
from test_batches import add, finish, open_job

NPZ = "application/x-npz"
JOINT = {"method": "num_pixel_issues"}
METHODS = [{}, JOINT, {"temperature": 0.01, "threshold": 0.3}, JOINT | {"threshold": 0.2}, {"method": "margin"}]
TYPES = ["<f2", "<f4", "<f8", ">f4"]
ARRAYS = ["own", "largest", "predicted"]
ORDERS = list(itertools.permutations(["labels", *ARRAYS]))
CASES = range(96)


def reduced(labels, pred_probs, ignore_label=None):
    """What one pass over probabilities finds, by NumPy. The own probability of ignored pixels matters to nobody."""
    kept = np.ones(labels.shape, bool) if ignore_label is None else labels != ignore_label
    index = np.where(kept, labels, 0).astype(np.int64)
    own = np.take_along_axis(pred_probs, index[:, None], 1)[:, 0]
    predicted = pred_probs.argmax(1)
    largest = pred_probs.max(1)
    own = np.where(kept, own, np.array(0.25, own.dtype)).astype(own.dtype)
    codes = np.uint8 if pred_probs.shape[1] <= 256 else np.uint16
    return {"own": own, "largest": largest, "predicted": predicted.astype(codes)}


def case(number):
    """A request's arrays and parameters."""
    random = np.random.default_rng(number)
    shape = (int(random.integers(1, 4)), int(random.integers(1, 18)), int(random.integers(1, 24)))
    classes = int(random.choice([2, 3, 21, 255, 256, 300]))
    labels, pred_probs = reference.sample(shape[0], classes, *shape[1:], seed=number, dtype=TYPES[number % 4])
    # Labels of more classes than a byte has, ties, zeros and ones.
    labels = random.integers(0, classes, shape).astype(np.uint16 if classes > 256 else np.uint8)
    pred_probs[0, :, 0] = np.round(pred_probs[0, :, 0] * 4) / 4
    parameters = METHODS[number // 4 % len(METHODS)] | {"classes": classes}
    ignored = [None, 0, 255, -1][number // 2 % 4]
    if ignored is not None:
        labels = labels.astype(np.int32)
        labels[random.random(shape) < 0.2] = ignored
        if ignored == 255 and classes > 255:
            parameters["ignore_label"] = 255
        parameters["ignore_label"] = ignored
    return labels, pred_probs, parameters


def findings(client, body, parameters):
    """All that a job finds: the arrays of its answer, and its resources."""
    answer = client.score(body, accept=NPZ, **parameters)
    assert answer.status_code == 200, answer.text
    job = answer.headers["Location"]
    resources = ["ranking", "summary"] + (["statistics"] if "method" in parameters else [])
    found = {name: client.get(f"{job}/{name}").json() for name in resources}
    return arrays_of(answer), found


def assert_same(found, expected):
    arrays, documents = found
    assert list(arrays) == list(expected[0])
    for name, array in expected[0].items():
        assert (arrays[name].dtype, arrays[name].shape) == (array.dtype, array.shape), name
        assert arrays[name].tobytes() == array.tobytes(), name
    assert documents == expected[1]


def reduce(client, body, accept=None, **parameters):
    return client.score(body, accept, path="/reduce", **parameters)


@pytest.mark.parametrize("number", CASES)
def test_all_that_is_found_is_the_same_to_the_bit(client, number):
    labels, pred_probs, parameters = case(number)
    expected = findings(client, npz(labels=labels, pred_probs=pred_probs), parameters)
    arrays = {"labels": labels} | reduced(labels, pred_probs, parameters.get("ignore_label"))
    arrays = {name: arrays[name] for name in ORDERS[number % len(ORDERS)]}
    if number % 5 == 0:
        arrays = {name: np.asfortranarray(array) for name, array in arrays.items()}
    forms = [form for form in FORMS if form != "json"] + (["json"] if TYPES[number % 4] == "<f8" else [])
    body = FORMS[forms[number % len(forms)]](**arrays)
    body = bodies.gzipped(body) if number % 3 == 0 else body
    assert_same(findings(client, body, parameters), expected)


@pytest.mark.parametrize("number", CASES)
def test_what_is_reduced_here_scores_the_same_to_the_bit(client, number):
    labels, pred_probs, parameters = case(number)
    forms = [form for form in FORMS if form != "json"] + (["json"] if TYPES[number % 4] == "<f8" else [])
    first = number % 2 == 0
    arrays = {"labels": labels, "pred_probs": pred_probs} if first else {"pred_probs": pred_probs, "labels": labels}
    about = {name: value for name, value in parameters.items() if name in ("classes", "ignore_label")}
    answer = reduce(client, FORMS[forms[number % len(forms)]](**arrays), **about)
    assert answer.status_code == 200, answer.text
    found = arrays_of(answer)
    assert list(found) == ARRAYS
    kept = labels != parameters.get("ignore_label")
    plain = reduced(labels, pred_probs, parameters.get("ignore_label"))
    np.testing.assert_array_equal(found["own"], np.where(kept, plain["own"], 1))
    np.testing.assert_array_equal(found["largest"], plain["largest"])
    np.testing.assert_array_equal(found["predicted"], plain["predicted"])
    assert found["own"].dtype == found["largest"].dtype == (np.float64 if TYPES[number % 4] == "<f8" else np.float32)
    expected = findings(client, npz(labels=labels, pred_probs=pred_probs), parameters)
    assert_same(findings(client, npz(labels=labels, **found), parameters), expected)


def sample_of_logits(dtype):
    random = np.random.default_rng(7)
    labels = random.integers(0, 4, (2, 6, 8)).astype(np.uint8)
    return labels, (3 * random.normal(size=(2, 4, 6, 8))).astype(dtype)


@pytest.mark.parametrize("array, parameters", [("logits", {}), ("pred_probs", {"activation": "sigmoid"})])
@pytest.mark.parametrize("dtype", ["<f2", "<f4", "<f8"])
@pytest.mark.parametrize("method", [{}, JOINT])
def test_models_outputs_are_reduced_too(client, array, parameters, dtype, method):
    labels, logits = sample_of_logits(dtype)
    body = npz(**{"labels": labels, array: logits})
    expected = findings(client, body, parameters | method | {"ignore_label": 3})
    answer = reduce(client, body, **parameters, ignore_label=3)
    assert answer.status_code == 200, answer.text
    found = findings(client, npz(labels=labels, **arrays_of(answer)), method | {"classes": 4, "ignore_label": 3})
    assert_same(found, expected)


def test_weights_and_single_channels_are_reduced_too(client):
    labels, logits = sample_of_logits("<f4")
    for body, parameters, classes in [
        (npz(labels=labels, pred_probs=np.exp(logits)), {"normalize": "sum"}, 4),
        (npz(labels=labels % 2, logits=logits[:, :1]), {}, 2),
        (npz(labels=labels % 2, pred_probs=1 / (1 + np.exp(-logits[:, :1]))), {"classes": 2}, 2),
    ]:
        expected = findings(client, body, parameters | JOINT)
        arrays = arrays_of(reduce(client, body, **parameters))
        mine = labels if classes == 4 else labels % 2
        assert_same(findings(client, npz(labels=mine, **arrays), JOINT | {"classes": classes}), expected)


@pytest.mark.parametrize("labels_first", [True, False])
@pytest.mark.parametrize("method", [{}, JOINT])
def test_outputs_of_another_size_and_layout_are_reduced_too(client, labels_first, method):
    labels, logits = sample_of_logits("<f4")
    small = np.moveaxis(logits[:, :, :4, :5], 1, -1)
    for parameters in (
        {"layout": "NHWC", "resize": "bilinear", "align_corners": "true", "valid": "3,4"},
        {"layout": "NHWC", "resize": "nearest"},
    ):
        arrays = {"labels": labels, "logits": np.ascontiguousarray(small)}
        body = npz(**arrays) if labels_first else npz(**dict(reversed(arrays.items())))
        expected = findings(client, body, parameters | method)
        answer = reduce(client, body, **parameters)
        assert answer.status_code == 200, answer.text
        assert_same(findings(client, npz(labels=labels, **arrays_of(answer)), method | {"classes": 4}), expected)


def test_labels_are_mapped_on_both_ways(client):
    labels, pred_probs = reference.sample(classes=3)
    raw = np.array([7, 11, 255, -1], np.int16)[labels]
    parameters = {"label_map": '{"7": 0, "11": 1, "-1": null}', "ignore_label": 255}
    expected = findings(client, npz(labels=raw, pred_probs=pred_probs), parameters | JOINT)
    arrays = arrays_of(reduce(client, npz(labels=raw, pred_probs=pred_probs), **parameters))
    assert (arrays["own"][labels >= 2] == 1).all()
    assert_same(findings(client, npz(labels=raw, **arrays), parameters | JOINT | {"classes": 3}), expected)
    offset = {"label_offset": -1}
    expected = findings(client, npz(labels=labels + 1, pred_probs=pred_probs), offset)
    arrays = arrays_of(reduce(client, npz(labels=labels + 1, pred_probs=pred_probs), **offset))
    assert_same(findings(client, npz(labels=labels + 1, **arrays), offset | {"classes": 3}), expected)
    expected = findings(client, npz(labels=labels + 1, pred_probs=pred_probs), {"reduce_zero_label": "true"})
    arrays = arrays_of(reduce(client, npz(labels=labels + 1, pred_probs=pred_probs), reduce_zero_label="true"))
    found = findings(client, npz(labels=labels + 1, **arrays), {"reduce_zero_label": "true", "classes": 3})
    assert_same(found, expected)


def test_one_hot_labels_tell_how_many_classes_there_are(client):
    labels, pred_probs = reference.sample(classes=5)
    one_hot = (np.arange(5)[:, None, None] == labels[:, None]).astype(np.uint8)
    expected = findings(client, npz(labels=labels, pred_probs=pred_probs), JOINT)
    arrays = reduced(labels, pred_probs)
    assert_same(findings(client, npz(labels=one_hot, **arrays), JOINT), expected)
    assert_same(findings(client, npz(**arrays, labels=one_hot), JOINT), expected)
    problem = assert_problem(client.score(npz(labels=one_hot, **arrays), classes=4), 422, "shape-mismatch", "classes")
    assert problem["expected"] == "5"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (5, 6), (7,), (2, 2, 3, 2, 4)])
def test_images_of_any_dimensions_are_reduced_and_scored(client, shape, method):
    random = np.random.default_rng(len(shape))
    axis = 1 if len(shape) > 2 else 0
    labels = random.integers(0, 3, shape).astype(np.uint8)
    weights = random.random((*shape, 3)) + np.eye(3)[labels]
    pred_probs = np.moveaxis(weights / weights.sum(-1, keepdims=True), -1, axis).astype(np.float32)
    one_hot = np.moveaxis(np.eye(3, dtype=np.uint8)[labels], -1, axis)
    body = npz(labels=labels, pred_probs=pred_probs)
    expected = findings(client, body, method)
    assert expected[0]["pixel_scores"].shape == shape
    for sent in (body, npz(labels=one_hot, pred_probs=pred_probs)):
        arrays = arrays_of(reduce(client, sent))
        np.testing.assert_array_equal(arrays["largest"], pred_probs.max(axis), strict=True)
        np.testing.assert_array_equal(arrays["predicted"], pred_probs.argmax(axis).astype(np.uint8), strict=True)
    for order in ORDERS[::5]:
        for fortran in (False, True):
            given = {"labels": labels} | arrays
            given = {name: np.asfortranarray(given[name]) if fortran else given[name] for name in order}
            assert_same(findings(client, npz(**given), method | {"classes": 3}), expected)
        given = {"labels": one_hot} | arrays
        assert_same(findings(client, npz(**{name: given[name] for name in order}), method), expected)
    answer = reduce(client, body, accept="application/json").json()
    assert np.shape(answer["own"]) == np.shape(answer["predicted"]) == shape


def test_one_hot_labels_of_one_volume_need_no_axis_of_images(client):
    labels, pred_probs = reference.sample(classes=5)
    volume = np.moveaxis(pred_probs, 1, 0)
    one_hot = (np.arange(5)[:, None, None, None] == labels).astype(np.uint8)
    expected = findings(client, npz(labels=labels, pred_probs=volume), JOINT)
    arrays = arrays_of(reduce(client, npz(labels=labels, pred_probs=volume)))
    assert expected[0]["image_scores"].shape == (1,)
    for given in ({"labels": one_hot} | arrays, arrays | {"labels": one_hot}):
        assert_same(findings(client, npz(**given), JOINT), expected)
    # An axis of images says the same of classes.
    arrays = {name: array[None] for name, array in arrays.items()}
    expected = findings(client, npz(labels=labels[None], pred_probs=volume[None]), JOINT)
    assert_same(findings(client, npz(labels=labels[None], **arrays), JOINT | {"classes": 5}), expected)


def test_places_are_named_in_the_shape_of_volumes(client):
    labels, pred_probs = reference.sample()
    given = {name: array[:, None] for name, array in ({"labels": labels} | reduced(labels, pred_probs)).items()}
    for name, value in [("own", 1.5), ("largest", 1.5), ("predicted", 9), ("labels", 9)]:
        sent = put(name, value, (1, 0, 2, 3))(given)
        slug = "label-out-of-range" if name in ("labels", "predicted") else "probability-out-of-range"
        problem = assert_problem(client.score(npz(**sent), classes=4), 422, slug, name)
        assert problem["detail"].startswith(f"{name}[1, 0, 2, 3] is ")


def test_masks_of_images_are_reduced(client):
    labels, pred_probs = reference.sample(classes=5)
    files = [masks.palette(mask) for mask in labels]
    answer = reduce(client, masks.form(files, pred_probs))
    assert answer.status_code == 200, answer.text
    expected = arrays_of(reduce(client, npz(labels=labels, pred_probs=pred_probs)))
    for name, array in expected.items():
        np.testing.assert_array_equal(arrays_of(answer)[name], array)


def test_masks_of_colours_are_reduced(client):
    labels, pred_probs = reference.sample(classes=3)
    colours = [(0, 0, 0), (255, 0, 0), (0, 255, 0)]
    body = masks.form([masks.coloured(mask, colours) for mask in labels], pred_probs)
    answer = reduce(client, body, colors="#000000,#ff0000,#00ff00")
    assert answer.status_code == 200, answer.text
    expected = arrays_of(reduce(client, npz(labels=labels, pred_probs=pred_probs)))
    for name, array in expected.items():
        np.testing.assert_array_equal(arrays_of(answer)[name], array)


@pytest.mark.parametrize("extra", [[], ["predicted"], ["largest"], ["largest", "predicted"]])
def test_the_softmin_needs_own_alone(client, extra):
    labels, pred_probs = reference.sample()
    arrays = {name: array for name, array in reduced(labels, pred_probs).items() if name in ["own", *extra]}
    answer = client.score(npz(labels=labels, **arrays), accept=NPZ, classes=4, threshold=0.2)
    assert answer.status_code == 200, answer.text
    expected = client.score(npz(labels=labels, pred_probs=pred_probs), accept=NPZ, threshold=0.2)
    for name, array in arrays_of(expected).items():
        assert arrays_of(answer)[name].tobytes() == array.tobytes()
    summary = client.get(f"{answer.headers['Location']}/summary")
    if "predicted" in extra:
        assert summary.status_code == 200
    else:
        assert "own came without predicted" in assert_problem(summary, 404, "no-predicted-classes")["detail"]


@pytest.mark.parametrize("method", [{}, JOINT])
@pytest.mark.parametrize("alone", [True, False])
def test_a_job_takes_batches_of_both_kinds(client, method, alone):
    labels, pred_probs = reference.sample(images=6)
    arrays = reduced(labels, pred_probs)
    if alone and not method:
        arrays = {"own": arrays["own"]}
    job = open_job(client, **method, classes=4)
    for start in range(0, 6, 2):
        batch = slice(start, start + 2)
        sent = {"pred_probs": pred_probs[batch]} if start == 2 else {n: a[batch] for n, a in arrays.items()}
        add(client, job, npz(labels=labels[batch], **sent))
    assert finish(client, job)["status"] == "succeeded"
    expected = client.score(npz(labels=labels, pred_probs=pred_probs), accept=NPZ, **method)
    for name, array in arrays_of(expected).items():
        found = bodies.array_of(client.get(f"{job}/{name}", headers={"Accept": "application/x-npy"}))
        assert found.tobytes() == array.tobytes(), name


def test_batches_have_one_number_of_classes_and_one_type(client):
    labels, pred_probs = reference.sample()
    job = open_job(client, classes=5)
    add(client, job, npz(labels=labels, **reduced(labels, pred_probs)))
    wide = reduced(labels, pred_probs.astype(np.float64))
    answer = client.post(f"{job}/batches", data=npz(labels=labels, **wide).data)
    assert_problem(answer, 422, "batch-mismatch")


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("order", [0, 7, 23])
def test_the_inference_protocol_takes_them(client, binary, order):
    labels, pred_probs = reference.sample(dtype=np.float64)
    arrays = {"labels": labels} | reduced(labels, pred_probs)
    inputs = [inference.tensor(name, arrays[name], binary) for name in ORDERS[order]]
    parameters = JOINT | {"classes": 4}
    answer = inference.infer(client, inference.inference(inputs, parameters=parameters))
    assert answer.status_code == 200, answer.text
    expected = arrays_of(client.score(npz(labels=labels, pred_probs=pred_probs), accept=NPZ, **JOINT))
    outputs = {output["name"]: output for output in answer.json()["outputs"]}
    assert outputs["pixel_scores"]["datatype"] == "FP64"
    for name, array in expected.items():
        found = np.reshape(outputs[name]["data"], array.shape).astype(array.dtype)
        assert found.tobytes() == array.tobytes(), name


def test_files_stand_for_them(start_server, tmp_path_factory):
    folder = tmp_path_factory.mktemp("reduced")
    labels, pred_probs = reference.sample()
    arrays = reduced(labels, pred_probs)
    np.save(folder / "labels.npy", labels)
    np.save(folder / "probs.npy", pred_probs)
    np.save(folder / "own.npy", arrays["own"])
    np.savez_compressed(folder / "all.npz", **arrays)
    (folder / "all.safetensors").write_bytes(bodies.safetensors_file(**arrays))
    server = start_server("--data-dir", folder)
    with Client(server) as client:
        expected = findings(client, npz(labels=labels, pred_probs=pred_probs), JOINT)
        for files in [
            {"own": "own.npy", "largest": "all.npz#largest", "predicted": "all.npz#predicted"},
            {name: f"all.safetensors#{name}" for name in ARRAYS},
        ]:
            members = {name: {"file": file} for name, file in files.items()}
            body = bodies.json_body(labels={"file": "labels.npy"}, **members)
            assert_same(findings(client, body, JOINT | {"classes": 4}), expected)
        body = bodies.json_body(labels={"file": "labels.npy"}, pred_probs={"file": "probs.npy"})
        found = arrays_of(reduce(client, body))
        for name, array in arrays.items():
            np.testing.assert_array_equal(found[name], array)
        body = bodies.json_body(own={"file": "own.npy"}, pred_probs={"file": "probs.npy"}, labels=labels)
        assert_problem(client.score(body), 400, "repeated-array")


@pytest.mark.parametrize("method", [{}, JOINT])
def test_the_command_takes_them(tmp_path, method):
    labels, pred_probs = reference.sample()
    arrays = reduced(labels, pred_probs)
    np.save(tmp_path / "labels.npy", labels)
    np.save(tmp_path / "pred_probs.npy", pred_probs)
    np.savez(tmp_path / "reduced.npz", **dict(reversed(arrays.items())))
    np.savez(tmp_path / "all.npz", labels=labels, **arrays)
    (tmp_path / "reduced.safetensors").write_bytes(bodies.safetensors_file(**arrays))
    options = [f"--method={method.get('method', 'softmin')}", "--threshold=0.2"]
    ways = [
        [tmp_path / "labels.npy", tmp_path / "pred_probs.npy"],
        [tmp_path / "labels.npy", tmp_path / "reduced.npz", "--classes=4"],
        [tmp_path / "labels.npy", tmp_path / "reduced.safetensors", "--classes=4"],
        [tmp_path / "all.npz", "--classes=4"],
    ]
    answers = []
    for number, way in enumerate(ways):
        done = run("score", *way, *options, "--out", tmp_path / f"out{number}")
        assert done.returncode == 0, done.stderr
        files = {path.name: path.read_bytes() for path in (tmp_path / f"out{number}").iterdir()}
        answers.append((files, done.stdout.replace(f"out{number}", "out")))
    assert answers[1:] == answers[:1] * 3
    done = run("score", tmp_path / "labels.npy", tmp_path / "reduced.npz", *options)
    assert done.returncode == 1
    assert "name the number in classes" in done.stderr


def test_reducing_answers_json(client):
    labels, pred_probs = reference.sample(dtype=np.float64)
    answer = reduce(client, npz(labels=labels, extra=labels, pred_probs=pred_probs), accept="application/json")
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert document["shape"] == {"images": 3, "classes": 4, "height": 5, "width": 7}
    assert document["ignored"] == ["extra.npy"]
    for name, array in reduced(labels, pred_probs).items():
        np.testing.assert_array_equal(np.array(document[name], array.dtype), array)


def test_parameters_stand_in_the_body(client):
    labels, logits = sample_of_logits("<f4")
    plain = arrays_of(reduce(client, npz(labels=labels, logits=logits), ignore_label=3))
    form = bodies.multipart([("ignore_label", "3")], labels=labels, logits=logits)
    json = bodies.json_body(labels=labels, logits=logits.astype(np.float64), ignore_label=3)
    for name, array in arrays_of(reduce(client, form)).items():
        np.testing.assert_array_equal(array, plain[name])
    for name, array in arrays_of(reduce(client, json)).items():
        np.testing.assert_allclose(array, plain[name], rtol=0, atol=1e-7)


def test_what_was_reduced_is_reduced_to_itself(client):
    labels, pred_probs = reference.sample()
    arrays = reduced(labels, pred_probs)
    found = arrays_of(reduce(client, npz(labels=labels, **arrays), classes=4))
    for name, array in arrays.items():
        assert found[name].tobytes() == array.tobytes()


def test_reducing_leaves_nothing(client, leaves_nothing):
    labels, pred_probs = reference.sample()
    for body in (npz(labels=labels, pred_probs=pred_probs), npz(pred_probs=pred_probs, labels=labels)):
        assert reduce(client, body, headers={"Prefer": "respond-async"}).status_code == 200
    assert reduce(client, npz(labels=labels)).status_code == 400


def test_reducing_leaves_nothing_in_a_state_directory(start_server, tmp_path_factory):
    folder = tmp_path_factory.mktemp("state")
    labels, pred_probs = reference.sample()
    with Client(start_server("--state-dir", folder)) as client:
        assert reduce(client, npz(labels=labels, pred_probs=pred_probs)).status_code == 200
        assert client.job_ids() == []
    assert [path for path in folder.rglob("*") if path.suffix in (".pixels", ".scores")] == []


def test_values_that_rounding_led_beyond_one_stay_what_they_were(client):
    labels, pred_probs = reference.sample()
    pred_probs[:, :, 0] = 0
    np.put_along_axis(pred_probs[:, :, 0], labels[:, None, 0].astype(int), np.float32(1.000001), 1)
    pred_probs[0, 3, 0, 0] = 1.000002
    expected = findings(client, npz(labels=labels, pred_probs=pred_probs), JOINT)
    arrays = reduced(labels, pred_probs)
    assert_same(findings(client, npz(labels=labels, **arrays), JOINT | {"classes": 4}), expected)
    arrays = arrays_of(reduce(client, npz(labels=labels, pred_probs=pred_probs)))
    assert arrays["own"].max() == 1 and arrays["largest"].max() == np.float32(1.000002)
    assert_same(findings(client, npz(labels=labels, **arrays), JOINT | {"classes": 4}), expected)


def put(name, value, place=(1, 2, 3)):
    def change(arrays):
        array = arrays[name].copy()
        array[place] = value
        return arrays | {name: array}

    return change


def without(*names):
    return lambda arrays: {name: array for name, array in arrays.items() if name not in names}


def typed(name, dtype):
    return lambda arrays: arrays | {name: arrays[name].astype(dtype)}


def shaped(name, change):
    return lambda arrays: arrays | {name: change(arrays[name])}


K = {"classes": 4}


@pytest.mark.parametrize(
    "change, parameters, status, slug, parameter, words",
    [
        (put("own", np.nan), K, 422, "probability-out-of-range", "own", "own[1, 2, 3] is nan"),
        (put("own", -0.5), K, 422, "probability-out-of-range", "own", "own[1, 2, 3] is -0.5"),
        (put("largest", 7), K, 422, "probability-out-of-range", "largest", "softmax or sigmoid before"),
        (put("largest", np.inf), K, 422, "probability-out-of-range", "largest", "largest[1, 2, 3] is inf"),
        (put("predicted", 4), K, 422, "label-out-of-range", "predicted", "predicted[1, 2, 3] is 4, and there are 4"),
        (put("own", 0.999), K, 422, "probability-out-of-range", "own", "more than largest there"),
        ("agree", K, 422, "probability-out-of-range", "own", "whose probability both are"),
        (put("labels", 9), K, 422, "label-out-of-range", "labels", "labels[1, 2, 3] is 9"),
        (without(), {}, 400, "invalid-parameter", "classes", "name the number in classes"),
        (without(), K | {"activation": "softmax"}, 400, "invalid-parameter", "activation", "send pred_probs or logits"),
        (without(), K | {"normalize": "sum"}, 400, "invalid-parameter", "normalize", "reduced from probabilities"),
        (without(), K | JOINT | {"downsample": 2}, 400, "invalid-parameter", "downsample", "mean of each class"),
        (without(), K | {"layout": "NHWC"}, 400, "invalid-parameter", "layout", "own has the shape of labels"),
        (
            without(),
            K | {"resize": "nearest"},
            400,
            "invalid-parameter",
            "resize",
            "reduce pred_probs or logits with it",
        ),
        (without("own"), K, 400, "missing-array", "own", "There is largest and no own: softmin needs"),
        (without("largest"), K | JOINT, 400, "missing-array", "largest", "There is own and no largest"),
        (without("largest", "predicted"), K | JOINT, 400, "missing-array", "largest", "no largest and predicted"),
        (without("predicted"), K | JOINT, 400, "missing-array", "predicted", "num_pixel_issues needs own, largest and"),
        (without("labels"), K, 400, "missing-array", "labels", 'no array "labels"'),
        (typed("own", np.int32), K, 422, "unsupported-element-type", "own", "floating-point"),
        (typed("largest", np.float64), K, 422, "unsupported-element-type", "largest", "send both as float64"),
        (typed("predicted", np.float32), K, 200, None, None, ""),
        (put("own", 0.5, 0), K, 422, "probability-out-of-range", "own", "Are they of the same labels and model?"),
        (shaped("own", lambda a: a[:, :-1]), K, 422, "shape-mismatch", "own", "(3, 4, 7)"),
        (shaped("largest", lambda a: a[:2]), K, 422, "shape-mismatch", "largest", "(2, 5, 7)"),
        (shaped("predicted", lambda a: a.swapaxes(1, 2)), K, 422, "shape-mismatch", "predicted", "(3, 7, 5)"),
        (shaped("own", lambda a: a[0]), K, 422, "label-out-of-range", "labels", "are taken as one-hot"),
        (shaped("own", lambda a: a[0, 0]), K, 422, "shape-mismatch", "own", "(7,), not (3, 5, 7)"),
        (shaped("own", lambda a: a[:, None]), K, 422, "shape-mismatch", "own", "(3, 1, 5, 7), not (3, 5, 7)"),
        (shaped("predicted", lambda a: a[:, None]), K, 422, "shape-mismatch", "predicted", "(3, 1, 5, 7)"),
        (shaped("predicted", lambda a: a[0]), K, 422, "shape-mismatch", "predicted", "(5, 7), not (3, 5, 7)"),
        (shaped("largest", lambda a: a[(None,) * 5]), K, 422, "shape-mismatch", "largest", "1 to 7 dimensions"),
        (shaped("labels", lambda a: a[:, None]), K, 422, "shape-mismatch", "labels", "of a single class"),
        (shaped("largest", lambda a: a[:0]), K, 422, "empty-array", "largest", "empty"),
        ("both", K, 400, "repeated-array", None, "both tell of the predicted probabilities"),
        ("both ways", K, 400, "repeated-array", None, "both tell of the predicted probabilities"),
    ],
)
@pytest.mark.parametrize("labels_first", [True, False])
def test_what_cannot_be_is_refused_with_a_sentence(
    client, labels_first, change, parameters, status, slug, parameter, words
):
    labels, pred_probs = reference.sample()
    arrays = {"labels": labels} | reduced(labels, pred_probs)
    if change == "agree":
        own = arrays["own"].copy()
        place = tuple(np.argwhere(arrays["predicted"] == labels)[5])
        own[place] /= 2
        sent = arrays | {"own": own}
    elif change == "both":
        sent = {"labels": labels, "pred_probs": pred_probs, "own": arrays["own"]}
    elif change == "both ways":
        sent = arrays | {"logits": pred_probs}
    else:
        sent = change(arrays)
    if not labels_first and "labels" in sent:
        sent["labels"] = sent.pop("labels")
    answer = client.score(npz(**sent), **parameters)
    if status == 200:
        assert answer.status_code == 200
        return
    problem = assert_problem(answer, status, slug, parameter)
    assert words in " ".join(str(problem.get(member, "")) for member in ("detail", "expected", "actual"))


@pytest.mark.parametrize(
    "body, parameters, status, slug, parameter",
    [
        (lambda y, p: npz(labels=y), {}, 400, "missing-array", "pred_probs"),
        (lambda y, p: npz(labels=y, pred_probs=p), {"method": "softmin"}, 400, "unknown-parameter", "method"),
        (lambda y, p: npz(labels=y, pred_probs=p), {"downsample": 5}, 400, "unknown-parameter", "downsample"),
        (lambda y, p: npz(labels=y, pred_probs=2 * p + 1), {}, 422, "probability-out-of-range", "pred_probs"),
        (lambda y, p: npz(labels=y + 1, pred_probs=p), {}, 422, "label-out-of-range", "labels"),
        (lambda y, p: npz(labels=y, own=p[:, 0]), {"classes": 4}, 400, "missing-array", "largest"),
        (lambda y, p: npz(labels=y, pred_probs=p[:, 0]), {"classes": 4}, 422, "label-out-of-range", "labels"),
        (lambda y, p: npz(labels=y, pred_probs=p[:, 0, 1:]), {"classes": 4}, 422, "shape-mismatch", "pred_probs"),
        (lambda y, p: bodies.multipart([("include", "own")], labels=y, pred_probs=p), {}, 400, None, "include"),
    ],
)
def test_what_cannot_be_reduced_is_refused(client, body, parameters, status, slug, parameter):
    labels, pred_probs = reference.sample()
    answer = reduce(client, body(labels, pred_probs), **parameters)
    assert_problem(answer, status, slug or "unknown-parameter", parameter)


def test_reducing_needs_a_body_and_an_answer_that_is_taken(client):
    labels, pred_probs = reference.sample()
    body = npz(labels=labels, pred_probs=pred_probs)
    assert_problem(reduce(client, body, accept="application/x-npy"), 406, "not-acceptable")
    assert_problem(client.post("/reduce", data=b"x" * 40), 415, "unsupported-media-type")
    assert_problem(client.get("/reduce"), 405, "method-not-allowed")


def test_reducing_can_be_canceled(client, leaves_nothing):
    labels, pred_probs = reference.sample()
    body, before = npz(labels=labels, pred_probs=pred_probs), client.job_ids()
    with BareConnection(client.server.address) as connection:
        connection.send_body_head(body, target="/reduce")
        connection.send(body.data[:-100])
        job = eventually(lambda: [job for job in client.job_ids() if job not in before], "the upload is a job")[0]
        assert client.get(f"/jobs/{job}").json()["status"] == "receiving"
        assert client.post(f"/jobs/{job}/cancel").status_code == 200
        connection.send(body.data[-100:])
        assert_problem(connection.read(), 409, "job-canceled")
    assert client.delete(f"/jobs/{job}").status_code == 204


def test_reducing_finds_no_room_for_probabilities_that_wait(start_server):
    with Client(start_server(file_size_limit=64 * 1024)) as client:
        labels, pred_probs = reference.sample(2, 20, 64, 64)
        assert_problem(reduce(client, npz(pred_probs=pred_probs, labels=labels)), 507, "spool-full")
        arrays = arrays_of(reduce(client, npz(labels=labels, pred_probs=pred_probs)))
        # What is as small as this waits for nothing, whatever comes first.
        assert client.score(npz(**arrays, labels=labels), classes=20).status_code == 200


@pytest.mark.parametrize("first", ["labels", "own"])
def test_memory_grows_with_pixels_alone(start_server, first):
    """The same arrays stand for 2 classes and for 60,000, whose probabilities would take gigabytes."""
    labels = np.zeros((4, 256, 256), np.uint8)
    arrays = {"own": np.full(labels.shape, 0.5, np.float32), "largest": np.full(labels.shape, 0.75, np.float32)}
    arrays["predicted"] = np.ones(labels.shape, np.uint8)
    arrays = {"labels": labels} | arrays if first == "labels" else arrays | {"labels": labels}
    peaks = []
    for classes in (2, 60_000):
        with Client(start_server()) as client:
            assert client.score(npz(**arrays), classes=classes, method="num_pixel_issues").status_code == 200
            assert client.server.spooled_files() == []
            peaks.append(client.server.peak_resident_bytes)
    assert abs(peaks[1] - peaks[0]) < 8 << 20
