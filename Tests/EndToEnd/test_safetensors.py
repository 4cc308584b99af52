"""safetensors as a body, as a part of a form, as a file, and bfloat16 in them and in npy files.

The package `safetensors` is the writer, and the npz answer of the same arrays is what has to come out.
"""

import dataclasses
import json
import struct

import ml_dtypes
import numpy as np
import pytest

import bodies
import reference
from bodies import Body, array_of, arrays_of, npz, npz_deflated, safetensors_file, safetensors_in_order, safetensors_of
from client import Client, assert_problem
from server import run

MEDIA_TYPE = {"Content-Type": "application/vnd.safetensors"}
NPZ = "application/x-npz"
LABELS, PRED_PROBS = reference.sample()
LABEL_TYPES = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8", ml_dtypes.bfloat16]
PROBABILITY_TYPES = [np.float16, ml_dtypes.bfloat16, np.float32, np.float64]


@pytest.fixture(scope="module")
def volume(tmp_path_factory):
    return tmp_path_factory.mktemp("volume")


@pytest.fixture(scope="module")
def client(volume, start_server):
    with Client(start_server("--data-dir", volume)) as client:
        yield client


@dataclasses.dataclass(frozen=True)
class Case:
    """Arrays, parameters and a way to send them, made from a seed."""

    labels: np.ndarray
    pred_probs: np.ndarray
    parameters: dict
    road: str
    is_written_by_hand: bool
    labels_first: bool

    @classmethod
    def of(cls, seed):
        random = np.random.default_rng(seed)
        images, classes = int(random.integers(1, 4)), int(random.integers(1, 9))
        height, width = (4 * int(random.integers(1, 9)) for _ in range(2))
        labels, pred_probs = reference.sample(images, classes, height, width, seed)
        parameters = {"threshold": round(float(random.random()), 3)}
        if random.random() < 0.3:
            parameters["ignore_label"] = int(random.integers(classes))
        if random.random() < 0.5:
            parameters |= {"method": "num_pixel_issues", "downsample": int(random.choice([1, 2, 4]))}
        return cls(
            labels.astype(LABEL_TYPES[seed % len(LABEL_TYPES)]),
            pred_probs.astype(PROBABILITY_TYPES[seed // 3 % len(PROBABILITY_TYPES)]),
            parameters,
            list(ROADS)[seed % len(ROADS)],
            bool(random.random() < 0.5),
            bool(random.random() < 0.5),
        )

    def file(self, labels="labels", pred_probs="pred_probs", **others):
        """A file of both arrays."""
        arrays = {labels: self.labels, pred_probs: self.pred_probs}
        if not self.labels_first:
            arrays = dict(reversed(arrays.items()))
        return (safetensors_in_order if self.is_written_by_hand else safetensors_file)(**others, **arrays)

    def form(self, labels, pred_probs):
        arrays = {"labels": labels, "pred_probs": pred_probs}
        return bodies.multipart(**(arrays if self.labels_first else dict(reversed(arrays.items()))))


def answered(answer):
    """The arrays of an npz answer."""
    assert answer.status_code == 200, answer.text
    return arrays_of(answer)


def by_body(case, client, volume):
    return answered(client.score(Body(case.file(), MEDIA_TYPE), accept=NPZ, **case.parameters))


def by_bare_body(case, client, volume):
    """Without a media type, chunked, with something besides, under another name."""
    file = case.file(pred_probs="probabilities", ids=np.arange(5))
    return answered(client.score(bodies.chunked(Body(file), 11), accept=NPZ, **case.parameters))


def by_gzip(case, client, volume):
    return answered(client.score(bodies.gzipped(Body(case.file(), MEDIA_TYPE)), accept=NPZ, **case.parameters))


def by_parts(case, client, volume):
    """Each the only tensor, whatever its name."""
    form = case.form(safetensors_file(masks=case.labels), safetensors_file(pred_probs=case.pred_probs))
    return answered(client.score(form, accept=NPZ, **case.parameters))


def by_mixed_parts(case, client, volume):
    """One file with both arrays beside an npy file of the other; parameters behind them."""
    parts = [(name, str(value)) for name, value in case.parameters.items()]
    form = bodies.multipart(parts, labels=case.labels, pred_probs=case.file(ids=np.arange(5)))
    return answered(client.score(form, accept=NPZ))


def by_file(case, client, volume):
    (volume / "both.safetensors").write_bytes(case.file())
    files = {name: {"file": "both.safetensors"} for name in ("labels", "pred_probs")}
    return answered(client.post("/score", json=files | case.parameters, headers={"Accept": NPZ}))


def by_named_tensors(case, client, volume):
    (volume / "named.safetensors").write_bytes(case.file("a", "b/0"))
    files = {"labels": {"file": "named.safetensors#a"}, "pred_probs": {"file": "named.safetensors#b/0"}}
    return answered(client.post("/score", json=files | case.parameters | {"read": "all"}, headers={"Accept": NPZ}))


def by_batches(case, client, volume):
    job = client.post("/jobs", params=case.parameters).headers["Location"]
    added = client.score(Body(case.file(), MEDIA_TYPE), path=f"{job}/batches")
    assert added.status_code == 201, added.text
    assert client.post(f"{job}/finish").status_code == 202
    assert client.get(f"{job}?wait=30").json()["status"] == "succeeded"
    names = ["image_scores", "pixel_scores", "issues"]
    names += ["label_issues"] if case.parameters.get("method") == "num_pixel_issues" else []
    return {name: array_of(client.get(f"{job}/{name}", headers={"Accept": "application/x-npy"})) for name in names}


ROADS = {
    "body": by_body,
    "bare body": by_bare_body,
    "gzip": by_gzip,
    "parts": by_parts,
    "mixed parts": by_mixed_parts,
    "file": by_file,
    "named tensors": by_named_tensors,
    "batches": by_batches,
}


def expected_of(case, client):
    """What the same values answer as an npz; bfloat16 as the float32 whose upper half it is."""
    pred_probs, labels = (
        array.astype(np.float32) if array.dtype == ml_dtypes.bfloat16 else array
        for array in (case.pred_probs, case.labels)
    )
    return answered(client.score(npz(labels=labels, pred_probs=pred_probs), accept=NPZ, **case.parameters))


def assert_same(found, expected):
    assert sorted(found) == sorted(expected)
    for name, array in expected.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape), name
        assert found[name].tobytes() == array.tobytes(), name


@pytest.mark.parametrize("seed", range(160))
def test_the_answer_is_that_of_an_npz(client, volume, seed):
    case = Case.of(seed)
    assert_same(ROADS[case.road](case, client, volume), expected_of(case, client))


@pytest.mark.parametrize("dtype", PROBABILITY_TYPES)
@pytest.mark.parametrize("names", [(), ("#labels", "#pred_probs")], ids=["by default", "named"])
def test_the_command_reads_tensors(client, tmp_path, dtype, names):
    case = Case(LABELS, PRED_PROBS.astype(dtype), {"threshold": 0.3}, "command", False, False)
    path = tmp_path / "arrays.safetensors"
    path.write_bytes(case.file())
    done = run("score", *([f"{path}{name}" for name in names] or [path]), "--out", tmp_path / "out", "--threshold", 0.3)
    assert done.returncode == 0, done.stderr
    found = {path.stem: np.load(path) for path in (tmp_path / "out").iterdir()}
    assert_same(found, expected_of(case, client))


@pytest.mark.parametrize("dtype", PROBABILITY_TYPES)
@pytest.mark.parametrize("parameters", [{}, {"method": "num_pixel_issues"}], ids=["softmin", "num_pixel_issues"])
def test_logits_are_tensors_too(client, volume, dtype, parameters):
    logits = np.random.default_rng(5).normal(0, 3, PRED_PROBS.shape).astype(dtype)
    wide = logits.astype(np.float32) if dtype == ml_dtypes.bfloat16 else logits
    expected = answered(client.score(npz(labels=LABELS, logits=wide), accept=NPZ, **parameters))
    file = safetensors_file(labels=LABELS, logits=logits)
    assert_same(answered(client.score(Body(file, MEDIA_TYPE), accept=NPZ, **parameters)), expected)
    form = bodies.multipart(labels=LABELS, logits=safetensors_file(x=logits))
    assert_same(answered(client.score(form, accept=NPZ, **parameters)), expected)
    path = volume / "logits.safetensors"
    path.write_bytes(file)
    files = {name: {"file": path.name} for name in ("labels", "logits")}
    assert_same(answered(client.post("/score", json=files | parameters, headers={"Accept": NPZ})), expected)
    flags = [f"--{name}={value}" for name, value in parameters.items()]
    done = run("score", path, "--out", volume / "out", *flags)
    assert done.returncode == 0, done.stderr
    found = {path.stem: np.load(path) for path in (volume / "out").iterdir()}
    assert_same({name: found[name] for name in expected}, expected)


def test_booleans_are_labels(client):
    labels, pred_probs = reference.sample(classes=2)
    case = Case(labels.astype(bool), pred_probs, {}, "body", False, False)
    assert_same(by_body(case, client, None), expected_of(case, client))


def test_scores_of_one_or_both_kinds_become_issues(client):
    images = np.array([0.5, 0.05, 0.01])
    answer = client.score(Body(safetensors_file(image_scores=images), MEDIA_TYPE), path="/issues")
    assert answer.json()["issues"] == [2, 1]
    pixels = np.array([[[0.5, 0.05]]] * 3, ml_dtypes.bfloat16)
    answer = client.score(Body(safetensors_file(image_scores=images, pixel_scores=pixels)), path="/issues")
    assert answer.json()["issues"] == [[[False, True]]] * 3


def test_what_else_is_in_a_file_is_noted(client):
    answer = client.scored(Body(safetensors_file(labels=LABELS, pred_probs=PRED_PROBS, x=LABELS, y=LABELS)))
    assert answer["ignored"] == ["x", "y"]
    form = bodies.multipart(labels=LABELS, pred_probs=safetensors_file(pred_probs=PRED_PROBS, x=LABELS))
    assert client.scored(form)["ignored"] == ["x"]


def test_metadata_are_passed_over(client):
    file = safetensors_of(tensors(), metadata={"threshold": "0.5", "format": "pt"})
    answer = client.score(Body(file), accept=NPZ)
    assert sorted(arrays_of(answer)) == ["image_scores", "pixel_scores"]


# bfloat16 elsewhere


@pytest.mark.parametrize("form", [npz, npz_deflated, bodies.npz_streamed, bodies.multipart])
@pytest.mark.parametrize("parameters", [{}, {"method": "num_pixel_issues"}], ids=["softmin", "num_pixel_issues"])
def test_npy_files_of_bfloat16(client, volume, form, parameters):
    case = Case(LABELS, PRED_PROBS.astype(ml_dtypes.bfloat16), parameters, "npy", False, True)
    answer = client.score(form(labels=LABELS, pred_probs=case.pred_probs), accept=NPZ, **parameters)
    assert_same(answered(answer), expected_of(case, client))
    np.save(volume / "labels.npy", LABELS)
    np.save(volume / "bfloat16.npy", case.pred_probs)
    files = {name: {"file": file} for name, file in {"labels": "labels.npy", "pred_probs": "bfloat16.npy"}.items()}
    answer = client.post("/score", json=files | parameters, headers={"Accept": NPZ})
    assert_same(answered(answer), expected_of(case, client))


def test_a_softmax_in_bfloat16(client):
    """Sums of rounded probabilities are not 1, which nothing asks of them; none of them is above 1."""
    random = np.random.default_rng(3)
    logits = random.normal(0, 4, (2, 19, 24, 32))
    pred_probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    pred_probs = pred_probs.astype(ml_dtypes.bfloat16)
    assert abs(pred_probs.astype(np.float64).sum(axis=1) - 1).max() > 1e-3
    case = Case(random.integers(0, 19, (2, 24, 32)), pred_probs, {"method": "num_pixel_issues"}, "body", False, False)
    assert_same(by_body(case, client, None), expected_of(case, client))


def test_the_next_number_above_1_is_refused(client):
    above = PRED_PROBS.astype(ml_dtypes.bfloat16)
    above[1, 2, 3, 4] = 1.0078125
    problem = assert_problem(
        client.score(Body(safetensors_file(labels=LABELS, pred_probs=above))), 422, "probability-out-of-range"
    )
    assert "pred_probs[1, 2, 3, 4] is 1.0078125" in problem["detail"]


# What is refused


def tensors(**changed):
    """Tensors for `safetensors_of`, some of them changed."""
    made = {
        "labels": ("U8", LABELS.shape, LABELS.tobytes()),
        "pred_probs": ("F32", PRED_PROBS.shape, PRED_PROBS.tobytes()),
    }
    return made | changed


def with_header(change):
    """A file whose header was changed: a function of its members."""
    whole = safetensors_of(tensors())
    size = struct.unpack_from("<Q", whole)[0]
    header = json.loads(whole[8 : 8 + size])
    change(header)
    return bare(json.dumps(header).encode()) + whole[8 + size :]


def moved(name, start, end):
    """A file of whose tensors one is said to lie elsewhere."""
    return with_header(lambda header: header[name].update(data_offsets=[start, end]))


def bare(text):
    """A file that is nothing but a header."""
    return struct.pack("<Q", len(text)) + text


SIZE = LABELS.size
WRONG = {
    "empty header": (struct.pack("<Q", 0), 400, "malformed-body", "is not written as"),
    "no header": (b"\x10\0\0\0\0\0\0\0", 400, "malformed-body", "ends early"),
    "half a number": (b"\x10\0\0", 400, "malformed-body", "ends early"),
    "long header": (struct.pack("<Q", 1 << 20) + b"{", 400, "malformed-body", "header is too long"),
    "no JSON": (bare(b"{labels}"), 400, "malformed-body", "byte 1"),
    "deep JSON": (bare(b'{"a":' + b"[" * 60_000), 400, "malformed-body", "byte 5"),
    "another key": (with_header(lambda header: header["labels"].update(x=1)), 400, "malformed-body", "x is unknown"),
    "key twice": (bare(b'{"labels":{"dtype":"U8","dtype":"U8"}}'), 400, "malformed-body", "dtype stands twice"),
    "overlap": (moved("pred_probs", SIZE - 4, SIZE - 4 + PRED_PROBS.nbytes), 400, "malformed-body", "overlaps"),
    "gap": (moved("pred_probs", SIZE + 4, SIZE + 4 + PRED_PROBS.nbytes), 400, "malformed-body", "leaves a gap"),
    "size": (moved("pred_probs", SIZE, SIZE + 4), 400, "malformed-body", "not as large as its shape"),
    "backwards": (moved("pred_probs", SIZE, 0), 400, "malformed-body", "data_offsets are not"),
    "overflow": (
        with_header(lambda header: header["labels"].update(shape=[1 << 40, 1 << 40])),
        413,
        "too-many-pixels",
        "No memory",
    ),
    "negative": (
        with_header(lambda header: header["labels"].update(shape=[-1, 3])),
        400,
        "malformed-body",
        "is not written as",
    ),
    "cut": (safetensors_of(tensors())[:-1], 400, "malformed-body", "The tensor pred_probs ends early"),
    "more": (safetensors_of(tensors()) + b"\0", 400, "malformed-body", "behind the end"),
    "float8": (
        safetensors_of(tensors(labels=("F8_E4M3", LABELS.shape, LABELS.tobytes()))),
        422,
        "unsupported-element-type",
        "F8_E4M3",
    ),
    "no labels": (safetensors_file(pred_probs=PRED_PROBS, masks=LABELS), 400, "missing-array", "labels"),
    "two names": (
        safetensors_file(labels=LABELS, pred_probs=PRED_PROBS, softmax=PRED_PROBS),
        400,
        "repeated-array",
        "are names of one array",
    ),
    "another shape": (
        safetensors_file(labels=LABELS[:, :2], pred_probs=PRED_PROBS),
        422,
        "shape-mismatch",
        "have another size than those of labels",
    ),
}


@pytest.mark.parametrize("size", [1, 100_000])
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_body_is_refused(client, leaves_nothing, name, size):
    data, status, slug, words = WRONG[name]
    body = bodies.chunked(Body(data, MEDIA_TYPE), size) if len(data) < 10_000 or size > 1 else Body(data, MEDIA_TYPE)
    assert words in assert_problem(client.score(body), status, slug)["detail"]


@pytest.mark.parametrize("name", [name for name in WRONG if name not in ("no labels", "two names", "another shape")])
def test_a_wrong_part_is_refused(client, leaves_nothing, name):
    data, status, slug, _ = WRONG[name]
    problem = assert_problem(client.score(bodies.multipart(labels=data, pred_probs=PRED_PROBS)), status, slug)
    assert problem["parameter"] in ("labels", "pred_probs")


@pytest.mark.parametrize("name", ["long header", "overlap", "cut", "more", "float8", "key twice", "overflow"])
def test_a_wrong_file_is_refused(client, volume, leaves_nothing, name):
    data, status, slug, _ = WRONG[name]
    (volume / "wrong.safetensors").write_bytes(data)
    answer = client.post("/score", json={"labels": {"file": "wrong.safetensors"}, "pred_probs": PRED_PROBS.tolist()})
    problem = assert_problem(answer, status, slug)
    assert problem["parameter"] in ("labels", "pred_probs")


def test_a_part_without_the_array_is_refused(client, leaves_nothing):
    form = bodies.multipart(labels=safetensors_file(a=LABELS, b=LABELS), pred_probs=PRED_PROBS)
    problem = assert_problem(client.score(form), 400, "missing-array", "labels")
    assert problem["actual"] == "a, b"


@pytest.mark.parametrize(
    "path, words",
    [
        ("several.safetensors", "has several tensors: name one of a, b"),
        ("several.safetensors#c", "has no tensor c; it has a, b"),
        ("none.safetensors", "none"),
    ],
)
def test_a_file_without_the_tensor_is_refused(client, volume, leaves_nothing, path, words):
    (volume / "several.safetensors").write_bytes(safetensors_file(a=LABELS, b=LABELS))
    (volume / "none.safetensors").write_bytes(safetensors_file())
    answer = client.post("/score", json={"labels": {"file": path}, "pred_probs": PRED_PROBS.tolist()})
    assert words in assert_problem(answer, 422, "file-unusable", "labels")["detail"]
