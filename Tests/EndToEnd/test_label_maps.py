"""Labels that are no classes yet: `label_map`, `label_offset`, `reduce_zero_label`, and several labels to ignore.

Seeded cases are converted with NumPy, and cleanlab judges what is left of them.
"""

import json

import numpy as np
import pytest
from cleanlab.segmentation.filter import find_label_issues
from cleanlab.segmentation.rank import get_label_quality_scores

import bodies
import masks
import reference
from bodies import arrays_of, json_body, multipart, npz
from client import Client, assert_problem
from server import run

NPZ = "application/x-npz"
COUNT = 144
ALL_TYPES = ["i1", "u1", *(order + kind for kind in ("i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8") for order in "<>")]
VOID = -(10**6)  # Pixels that take no part, among converted labels.
CITYSCAPES = {7: 0, 8: 1, 11: 2, 12: 3, 13: 4, 17: 5, 19: 6, 20: 7, 21: 8, 22: 9, 23: 10, 24: 11, 25: 12, 26: 13}
CITYSCAPES |= {27: 14, 28: 15, 31: 16, 32: 17, 33: 18}


def turn(values, number, salt):
    """One of the values, each of which takes its turn."""
    block, place = divmod(number, len(values))
    return values[np.random.default_rng([salt, block]).permutation(len(values))[place]]


def rules(classes, random):
    """The parameters of each kind of rule, with the values that stand for each class and for pixels without part."""
    top = 250 if classes <= 200 else 5000
    own_values = random.choice(top, classes, replace=False)
    own = {int(value): int(index) for value, index in zip(own_values, random.permutation(classes))}
    own_map = {str(value): index for value, index in own.items()}
    far = {int(value): index % classes for index, value in enumerate(random.integers(60_000, 10**6, 3 * classes))}
    same, several = {k: k for k in range(classes)}, [top + 5, -1, top + 4]
    one_more = {k + 1: k for k in range(classes) if k != 254}
    known = {value: index for value, index in CITYSCAPES.items() if index < classes}
    return {
        "several ignored": ({"ignore_label": several}, same, several),
        "one ignored": ({"ignore_label": -7}, same, [-7]),
        "offset down": ({"label_offset": -1, "ignore_label": [0, 255]}, one_more, [0, 255]),
        "offset up": ({"label_offset": 3, "ignore_label": -9}, {k - 3: k for k in range(classes)}, [-9]),
        "reduced": ({"reduce_zero_label": True}, one_more, [0, 255]),
        "ade20k": ({"label_map": "ade20k", "ignore_label": -1}, one_more, [0, 255, -1]),
        "cityscapes": ({"label_map": "cityscapes"}, known, [id for id in range(-1, 34) if id not in CITYSCAPES]),
        "map": ({"label_map": own_map | {str(top + 1): None, str(top + 2): -5}}, own, [top + 1, top + 2]),
        "map and ignored": (
            {"label_map": own_map | {str(top + 3): top + 5}, "ignore_label": [top + 5, -1]},
            own,
            [top + 3, top + 5, -1],
        ),
        "far": ({"label_map": {str(value): index for value, index in far.items()} | {"-3": None}}, far, [-3]),
    }


class Case:
    """Labels as they are sent, what they stand for, and the request."""

    def __init__(self, number):
        random = np.random.default_rng([3, number])
        self.number, self.random = number, random
        self.classes = classes = turn([2, 3, 19, 40, 200, 300], number, 1)
        images, height, width = turn([1, 2, 3], number, 2), *turn([(1, 33), (8, 8), (17, 12), (30, 41)], number, 3)
        self.form = turn(list(bodies.FORMS), number, 4)
        if self.form == "json":
            classes = self.classes = min(classes, 19)
            height, width = min(height, 8), min(width, 12)
        kinds = rules(classes, random)
        self.kind = turn(list(kinds), number, 5)
        self.parameters, stand_for, void = kinds[self.kind]
        values = list(stand_for) + void
        types = [kind for kind in ALL_TYPES if all(np.array(value).astype(kind) == value for value in values)]
        self.type = types[number % len(types)]
        self.method = ["softmin", "num_pixel_issues"][number // 2 % 2]

        shape = (images, height, width)
        raw = random.choice(list(stand_for), shape)
        raw[random.random(shape) < 0.2] = random.choice(void)
        raw[:, : height // 3, : width // 2] = void[0]
        raw.flat[0] = void[0]
        if images > 1:
            raw[-1] = random.choice(void)
        self.raw = np.array(raw.astype(self.type), order=turn("CF", number, 6))
        converted = np.vectorize(lambda value: stand_for.get(int(value), VOID))(raw)
        assert set(np.unique(raw[converted == VOID])) <= set(void)
        self.labels, self.kept = converted, converted != VOID

        weights = random.random((images, classes, height, width)) + 1e-3
        seen = np.where(random.random(shape) < 0.7, np.maximum(converted, 0), random.integers(0, classes, shape))
        own = np.take_along_axis(weights, seen[:, None], axis=1) + 3 * random.random((images, 1, height, width))
        np.put_along_axis(weights, seen[:, None], own, axis=1)
        probs = (weights / weights.sum(axis=1, keepdims=True)).astype(turn(["f4", "f8"], number, 7))
        self.pred_probs = np.array(probs, order=turn("CF", number, 8))

    def __str__(self):
        return f"{self.number}-{self.kind.replace(' ', '_')}-{self.type}-{self.form}-{self.method}"

    def request(self):
        arrays = {"labels": self.raw, "pred_probs": self.pred_probs}
        if turn([True, False], self.number, 9):
            arrays = dict(reversed(arrays.items()))
        parameters = {"method": self.method} | self.parameters
        way = turn(["query", "before", "after", "around"], self.number, 10)
        if self.form not in ("json", "multipart"):
            way = "query"
        if way == "query":
            body = bodies.FORMS[self.form](**arrays)
            query = texts(parameters)
        else:
            names = list(parameters)
            ahead = {"before": names, "after": [], "around": names[: len(names) // 2 + 1]}[way]
            first = {name: parameters[name] for name in ahead}
            last = {name: parameters[name] for name in names if name not in ahead}
            body, query = between(self.form, first, arrays, last), {}
        if turn([True, False, False], self.number, 11):
            body = bodies.gzipped(body)
        return body, query


def texts(parameters):
    """Parameters as a query or a form has them."""
    plain = {}
    for name, value in parameters.items():
        if isinstance(value, list):
            value = ",".join(map(str, value))
        plain[name] = json.dumps(value) if isinstance(value, (dict, bool)) else str(value)
    return plain


def between(form, first, arrays, last):
    """A body whose arrays have parameters on either side."""
    if form == "json":
        return json_body(**first, **arrays, **last)
    end = multipart(texts(last).items(), **arrays)
    return bodies.Body(multipart(texts(first).items(), closed=False).data + end.data, end.fields)


def cleanlab_answer(labels, pred_probs, kept, method):
    """What cleanlab makes of the pixels that take part: image scores, pixel scores, and label issues or None."""
    pixels = reference.pixel_scores(np.where(kept, labels, 0), pred_probs)
    pixels[~kept] = 1
    flat = np.moveaxis(pred_probs.astype(np.float64), 1, 0)[:, kept]
    if method == "softmin":
        scores = [1.0] * len(labels)
        for image, keep in enumerate(kept):
            if keep.any():
                one = pred_probs[image].astype(np.float64)[:, keep][None, :, None]
                found = get_label_quality_scores(labels[image][keep][None, None], one, n_jobs=1, verbose=False)
                scores[image] = found[0][0]
        return np.array(scores), pixels, None
    issues = np.zeros(labels.shape, bool)
    if kept.any():
        issues[kept] = find_label_issues(
            labels[kept][None, None], flat[None, :, None], n_jobs=1, verbose=False, batch_size=flat.size
        )[0, 0]
    shares = issues.sum(axis=(1, 2)) / np.maximum(kept.sum(axis=(1, 2)), 1)
    return 1 - shares, pixels, issues


@pytest.mark.parametrize("number", range(COUNT), ids=lambda number: str(Case(number)))
def test_labels_are_scored_as_those_that_they_stand_for(client, number):
    case = Case(number)
    body, query = case.request()
    answer = client.score(body, accept=NPZ, **query)
    assert answer.status_code == 200, answer.text
    found = arrays_of(answer)
    # JSON does not tell how many bits its numbers had.
    probs = case.pred_probs.astype(np.float64) if case.form == "json" else case.pred_probs
    images, pixels, issues = cleanlab_answer(case.labels, probs, case.kept, case.method)
    np.testing.assert_array_equal(found["pixel_scores"], pixels)
    np.testing.assert_allclose(found["image_scores"], images, rtol=0, atol=reference.tolerance(probs.dtype))
    assert (issues is None) == ("label_issues" not in found)
    if issues is not None:
        np.testing.assert_array_equal(found["label_issues"], issues)


def test_every_rule_and_type_takes_its_turn():
    cases = [Case(number) for number in range(COUNT)]
    assert {case.kind for case in cases} == set(rules(2, np.random.default_rng(0)))
    assert {case.form for case in cases} == set(bodies.FORMS)
    assert {case.type for case in cases} == set(ALL_TYPES)


# Roads

LABELS, PRED_PROBS = reference.sample(3, 4, 6, 8)
RAW = np.where(LABELS == 3, -1, LABELS.astype(np.int16) * 10)
RAW[0, 0, :3] = 255
MAP = {"0": 0, "10": 1, "20": 2, "-1": None}
KEPT = (RAW != -1) & (RAW != 255)
ARRAYS = {"labels": RAW, "pred_probs": PRED_PROBS}
PARAMETERS = {"label_map": MAP, "ignore_label": [255, -2]}


def expected(method="softmin"):
    return cleanlab_answer(np.where(KEPT, LABELS, 0), PRED_PROBS, KEPT, method)


def assert_expected(found, method="softmin"):
    images, pixels, issues = expected(method)
    np.testing.assert_allclose(found["image_scores"], images, rtol=0, atol=reference.tolerance(PRED_PROBS.dtype))
    np.testing.assert_array_equal(found["pixel_scores"], pixels)
    if issues is not None:
        np.testing.assert_array_equal(found["label_issues"], issues)


def test_the_document_says_what_was_made_of_labels_and_can_be_sent_back(client):
    own = {"ignore_label": [255, -2], "label_map": {"-1": None, "0": 0, "10": 1, "20": 2}}
    for wanted, shown in [
        (PARAMETERS, own),
        ({"ignore_label": "255, -1"}, {"ignore_label": [255, -1]}),
        ({"ignore_label": [255]}, {"ignore_label": 255}),
        ({"ignore_label": [3, 3.0]}, {"ignore_label": 3}),
        ({"label_map": "cityscapes"}, {"ignore_label": None, "label_map": "cityscapes"}),
        ({"label_map": "ade20k"}, {"ignore_label": None, "label_map": "ade20k"}),
        ({"reduce_zero_label": True}, {"ignore_label": None, "reduce_zero_label": True}),
        ({"reduce_zero_label": False}, {"ignore_label": None}),
        ({"label_offset": -1, "ignore_label": 0}, {"ignore_label": 0, "label_offset": -1}),
        ({"label_map": None, "label_offset": None, "reduce_zero_label": None}, {"ignore_label": None}),
    ]:
        defaults = {"method": "softmin", "temperature": 0.1, "downsample": 1, "threshold": None}
        for _ in range(2):
            answer = client.post("/jobs", json=wanted)
            assert answer.status_code == 201, answer.text
            assert answer.json()["parameters"] == defaults | shown
            wanted = answer.json()["parameters"]
            client.post(answer.json()["links"]["cancel"])
    for wanted in (PARAMETERS, {"reduce_zero_label": True}, {"label_offset": -1}):
        inside = client.post("/jobs", json=wanted)
        for outside in (client.post("/jobs", params=texts(wanted)), client.post("/jobs", files=form_of(wanted))):
            assert outside.status_code == 201, outside.text
            assert outside.json()["parameters"] == inside.json()["parameters"]
            client.post(outside.json()["links"]["cancel"])
        client.post(inside.json()["links"]["cancel"])


def form_of(parameters):
    return {name: (None, text) for name, text in texts(parameters).items()}


@pytest.mark.parametrize("method", ["softmin", "num_pixel_issues"])
def test_batches_share_the_map(client, method):
    job = client.post("/jobs", json={"method": method} | PARAMETERS).json()["links"]["self"]
    for index in range(3):
        part = {name: array[index : index + 1] for name, array in ARRAYS.items()}
        body = [npz(**part), multipart(**part), npz(**dict(reversed(part.items())))][index]
        assert client.score(body, path=f"{job}/batches").status_code == 201
    client.post(f"{job}/finish")
    document = client.get(job, params={"wait": 20}).json()
    assert document["status"] == "succeeded", document
    found = {
        name: arrays_of_resource(client, document["links"][name])
        for name in ("image_scores", "pixel_scores", "label_issues")
        if name in document["links"]
    }
    assert_expected(found, method)


def arrays_of_resource(client, link):
    return bodies.array_of(client.get(link))


@pytest.mark.parametrize("method", ["softmin", "num_pixel_issues"])
def test_a_job_goes_on_in_the_next_process(start_server, tmp_path, method):
    folder = tmp_path / "state"
    server = start_server("--state-dir", folder)
    with Client(server) as client:
        job = client.post("/jobs", json={"method": method} | PARAMETERS).json()["links"]["self"]
        for index in range(2):
            part = {name: array[index : index + 1] for name, array in ARRAYS.items()}
            assert client.score(npz(**part), path=f"{job}/batches").status_code == 201
        before = client.get(job).json()["parameters"]
    server.stop()
    with Client(start_server("--state-dir", folder)) as client:
        assert client.get(job).json()["parameters"] == before
        part = {name: array[2:] for name, array in ARRAYS.items()}
        assert client.score(npz(**part), path=f"{job}/batches").status_code == 201
        client.post(f"{job}/finish")
        links = client.get(job, params={"wait": 20}).json()["links"]
        names = ["image_scores", "pixel_scores"] + ["label_issues"] * (method != "softmin")
        assert_expected({name: arrays_of_resource(client, links[name]) for name in names}, method)


def test_files_have_the_map(start_server, tmp_path):
    for name, array in ARRAYS.items():
        np.save(tmp_path / f"{name}.npy", array)
    with Client(start_server("--data-dir", tmp_path)) as client:
        for read in ("labelled", "all"):
            named = {name: {"file": f"{name}.npy"} for name in ARRAYS}
            answer = client.score(json_body(**named, read=read, **PARAMETERS), accept=NPZ)
            assert answer.status_code == 200, answer.text
            assert_expected(arrays_of(answer))


def test_the_inference_protocol_has_the_map(client):
    def infer(parameters):
        inputs = [
            {"name": "labels", "shape": RAW.shape, "datatype": "INT16", "data": RAW.tolist()},
            {"name": "pred_probs", "shape": PRED_PROBS.shape, "datatype": "FP32", "data": PRED_PROBS.tolist()},
        ]
        return client.post("/v2/models/segscore/infer", json={"parameters": parameters, "inputs": inputs})

    answer = infer(texts(PARAMETERS))
    assert answer.status_code == 200, answer.text
    outputs = {each["name"]: np.array(each["data"]).reshape(each["shape"]) for each in answer.json()["outputs"]}
    outputs["pixel_scores"] = outputs["pixel_scores"].astype(np.float32)
    assert_expected(outputs)
    assert_problem(infer({"label_map": MAP}), 400, "invalid-parameter", "label_map")


@pytest.mark.parametrize("is_behind", [False, True])
@pytest.mark.parametrize("probabilities_first", [False, True])
def test_masks_have_the_rule_over_all_images(client, is_behind, probabilities_first):
    # The first mask has 255 and no 0, and the second needs 16 bits: each alone would be refused, or has other codes.
    labels = np.where(LABELS == 3, [[[255]], [[0]], [[300]]], LABELS.astype(int) + 1)
    files = [masks.grey(mask) for mask in labels]
    wanted = {"reduce_zero_label": True, "ignore_label": [300]}
    if is_behind:
        form = masks.form(files, PRED_PROBS, probabilities_first=probabilities_first)
        end = b"".join(
            f'--{bodies.BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in texts(wanted).items()
        )
        closing = f"--{bodies.BOUNDARY}--\r\n".encode()
        form = bodies.Body(form.data.removesuffix(closing) + end + closing, form.fields)
    else:
        form = masks.form(files, PRED_PROBS, texts(wanted).items(), probabilities_first=probabilities_first)
    answer = client.score(form, accept=NPZ)
    assert answer.status_code == 200, answer.text
    images, pixels, _ = cleanlab_answer(LABELS, PRED_PROBS, LABELS != 3, "softmin")
    found = arrays_of(answer)
    np.testing.assert_array_equal(found["pixel_scores"], pixels)
    np.testing.assert_allclose(found["image_scores"], images, rtol=0, atol=reference.tolerance(PRED_PROBS.dtype))
    reduced = masks.form([masks.grey(np.maximum(mask, 1)) for mask in labels], PRED_PROBS)
    problem = assert_problem(client.score(reduced, **texts(wanted)), 422, "label-out-of-range", "labels")
    assert "reduced already" in problem["detail"]


def test_bands_hold_the_classes_that_labels_stand_for(client):
    mapped = np.where(KEPT, LABELS.astype(int), VOID)
    planes = [PRED_PROBS[n, k] for n in range(3) for k in np.unique(mapped[n]) if k != VOID]
    body = npz(labels=RAW, pred_probs=np.stack(planes))
    answer = client.score(body, accept=NPZ, classes=4, **texts(PARAMETERS))
    assert answer.status_code == 200, answer.text
    assert_expected(arrays_of(answer))


@pytest.mark.parametrize("method", ["softmin", "num_pixel_issues"])
def test_the_command_has_the_map(tmp_path, method):
    for name, array in ARRAYS.items():
        np.save(tmp_path / f"{name}.npy", array)
    flags = ["--ignore-label=255,-2", "--label-map", json.dumps(MAP), "--method", method]
    command = ["score", tmp_path / "labels.npy", tmp_path / "pred_probs.npy", "--out", tmp_path / "out", *flags]
    done = run(*command)
    assert done.returncode == 0, done.stderr
    assert_expected({path.stem: np.load(path) for path in (tmp_path / "out").iterdir()}, method)


@pytest.mark.parametrize(
    "labels, flags",
    [
        (np.where(LABELS == 3, 0, LABELS + 1), ["--reduce-zero-label"]),
        (np.where(LABELS == 3, 77, LABELS + 100), ["--label-offset=-100", "--ignore-label=77"]),
    ],
)
def test_the_command_has_the_other_rules(tmp_path, labels, flags):
    np.save(tmp_path / "labels.npy", labels)
    np.save(tmp_path / "pred_probs.npy", PRED_PROBS)
    command = ["score", tmp_path / "labels.npy", tmp_path / "pred_probs.npy", "--out", tmp_path / "out", *flags]
    done = run(*command)
    assert done.returncode == 0, done.stderr
    expected = reference.pixel_scores(LABELS, PRED_PROBS, 3)
    np.testing.assert_array_equal(np.load(tmp_path / "out/pixel_scores.npy"), expected)


def test_the_widest_map_is_taken_on_every_road(client):
    values = np.arange(4096) * 5 - 2048
    labels = np.random.default_rng(1).choice(values, (1, 64, 64)).astype(np.int32)
    wide = {str(value): index % 4 for index, value in enumerate(values.tolist())}
    probs = np.broadcast_to(PRED_PROBS[:1, :, :1, :1], (1, 4, 64, 64)).astype(np.float32)
    arrays = {"labels": labels, "pred_probs": probs}
    expected = reference.pixel_scores((labels + 2048) // 5 % 4, probs)
    for body in (
        json_body(label_map=wide, include="pixel_scores", **arrays),
        between("multipart", {"label_map": wide}, arrays, {}),
        between("multipart", {}, arrays, {"label_map": wide}),
    ):
        answer = client.score(body, accept=NPZ)
        assert answer.status_code == 200, answer.text
        np.testing.assert_array_equal(arrays_of(answer)["pixel_scores"], expected)
    one_more = wide | {"99999": 0}
    assert_problem(client.score(json_body(label_map=one_more, **arrays)), 400, "invalid-parameter", "label_map")


# Mistakes


@pytest.mark.parametrize(
    "parameters, parameter, words",
    [
        ({"label_map": {"0": 0}, "label_offset": 1}, "label_offset", ["label_map", "one of them"]),
        ({"label_map": "ade20k", "reduce_zero_label": True}, "reduce_zero_label", ["label_map"]),
        ({"label_offset": -1, "reduce_zero_label": True}, "reduce_zero_label", ["label_offset"]),
        ({"label_map": {"0": 1}, "ignore_label": 0}, "ignore_label", ["class 1", "null"]),
        ({"label_map": "cityscapes", "ignore_label": [255, 7]}, "ignore_label", ["names 7", "class 0"]),
        ({"label_map": "pascal"}, "label_map", ["cityscapes", "ade20k", "pascal"]),
        ({"label_map": '{"7": 0, "8": 1, "7": 2}'}, "label_map", ["7 more than once"]),
        ({"label_map": '{"7": 0, "07": 2}'}, "label_map", ["7 more than once"]),
        ({"label_map": {"7": 65535}}, "label_map", ["65534", "class 65535 of 7"]),
        ({"label_map": {"7": 0.5}}, "label_map", ["class of 7", "0.5"]),
        ({"label_map": {"7": "0"}}, "label_map", ["class of 7"]),
        ({"label_map": {"7": [0]}}, "label_map", ["class of 7"]),
        ({"label_map": {"7": True}}, "label_map", ["class of 7", "true"]),
        ({"label_map": {"car": 0}}, "label_map", ["car", "whole number in quotes"]),
        ({"label_map": {"99999999999999999999": 0}}, "label_map", ["no whole number"]),
        ({"label_map": {}}, "label_map", ["cannot be read"]),
        ({"label_map": '{"7": 0'}, "label_map", ["cannot be read", "the end"]),
        ({"label_map": '{"7": 0} x'}, "label_map", ["cannot be read"]),
        ({"label_map": '{"7" 0}'}, "label_map", ["cannot be read"]),
        ({"label_map": '{"7": 0,}'}, "label_map", ["cannot be read"]),
        ({"label_map": "{" * 5000}, "label_map", ["cannot be read"]),
        ({"label_map": [0, 1]}, "label_map", []),
        ({"label_map": 7}, "label_map", ["cityscapes"]),
        ({"label_offset": 2**31}, "label_offset", ["whole number"]),
        ({"label_offset": 0.5}, "label_offset", ["whole number"]),
        ({"label_offset": [1]}, "label_offset", []),
        ({"reduce_zero_label": 1}, "reduce_zero_label", ["true or false"]),
        ({"ignore_label": [255, 0.5]}, "ignore_label", ["whole number"]),
        ({"ignore_label": [255, "void"]}, "ignore_label", []),
        ({"ignore_label": "255,"}, "ignore_label", ["whole number"]),
        ({"ignore_label": list(range(257))}, "ignore_label", ["256"]),
        ({"ignore_label": {"255": None}}, "ignore_label", []),
    ],
    ids=lambda value: str(value)[:60],
)
def test_parameters_that_make_no_sense_are_refused(client, leaves_nothing, parameters, parameter, words):
    answers = [client.score(json_body(**ARRAYS, **parameters)), client.post("/jobs", json=parameters)]
    if all(not isinstance(value, (list, dict, bool)) for value in parameters.values()):
        answers.append(client.score(between("multipart", parameters, ARRAYS, {})))
        answers.append(client.score(between("multipart", {}, ARRAYS, parameters)))
        answers.append(client.score(npz(**ARRAYS), **parameters))
    for answer in answers:
        problem = assert_problem(answer, 400, "invalid-parameter", parameter)
        text = " ".join(str(problem.get(name)) for name in ("detail", "expected", "actual"))
        for word in words:
            assert word in text


def with_labels(labels, **parameters):
    """Requests that say the same: parameters come ahead of labels, and behind them."""
    arrays = {"labels": np.array(labels), "pred_probs": np.full((1, 4, 2, 3), 0.25, np.float32)}
    yield npz(**arrays), texts(parameters)
    yield between("multipart", parameters, arrays, {}), {}
    yield between("multipart", {}, arrays, parameters), {}
    yield npz(**dict(reversed(arrays.items()))), texts(parameters)


@pytest.mark.parametrize(
    "labels, parameters, words",
    [
        ([[[7, 8, 9], [9, 7, 9]]], {"label_map": {"7": 0, "8": 1}}, ["labels[0, 0, 2] is 9", "3 such", "null"]),
        ([[[7, 8, 7], [7, 7, -4]]], {"label_map": {"7": 0, "8": 1}}, ["labels[0, 1, 2] is -4", "leaves out:"]),
        ([[[7, 8, 7], [7, 7, 0.5]]], {"label_map": {"7": 0, "8": 1}}, ["labels[0, 1, 2] is 0.5", "leaves out"]),
        ([[[7, 8, 7], [7, 255, 8]]], {"label_map": "cityscapes"}, ["is 255", "leaves out", "ignore_label"]),
        ([[[7, 8, 7], [7, 8, 8]]], {"label_map": {"7": 4, "8": 1}}, ["becomes class 4", "4 classes"]),
        ([[[1, 0, 1], [0, 1, 1]]], {"label_offset": -1}, ["labels[0, 0, 1] is 0", "label_offset", "2 such"]),
        ([[[1, 5, 1], [1, 1, 1]]], {"label_offset": -1}, ["becomes class 4"]),
        ([[[1, 2, 255], [1, 2, 1]]], {"reduce_zero_label": True}, ["reduced already", "ignore_label=255"]),
        ([[[1, 2, 255], [1, 2, 1]]], {"label_map": "ade20k"}, ["reduced already", "label_offset=-1"]),
        ([[[0, -1, 1], [1, 2, 1]]], {"reduce_zero_label": True}, ["is -1", "reduce_zero_label"]),
        ([[[0, 5, 1], [1, 2, 1]]], {"reduce_zero_label": True}, ["becomes class 4"]),
        ([[[0, -7, 255], [-1, 2, -7]]], {"ignore_label": [255, -1]}, ["is -7", "no class and not ignore", "2 such"]),
        ([[[0, 9, 255], [-1, 2, 9]]], {"ignore_label": [255, -1]}, ["labels[0, 0, 1] is 9", "no class and not ignore"]),
    ],
    ids=str,
)
def test_labels_that_stand_for_nothing_are_named(client, leaves_nothing, labels, parameters, words):
    for method in ("softmin", "num_pixel_issues"):
        for body, query in with_labels(labels, **parameters):
            problem = assert_problem(client.score(body, **query, method=method), 422, "label-out-of-range", "labels")
            text = problem["detail"] + problem["expected"]
            for word in words:
                assert word in text, text


def test_masks_that_may_not_have_been_reduced_are_taken(client):
    for labels in ([[[1, 2, 3], [4, 4, 1]]], [[[0, 255, 1], [1, 1, 1]]], [[[0, 0, 0], [0, 0, 0]]]):
        for body, query in with_labels(labels, reduce_zero_label=True):
            assert client.score(body, **query).status_code == 200
    for body, query in with_labels([[[1, 255, 3], [4, 4, 1]]], label_offset=-1, ignore_label=[0, 255]):
        assert client.score(body, **query).status_code == 200
