"""What classes and images are called: `class_names` and `names` of scoring requests."""

import csv
import io
import json
import signal
import zipfile

import numpy as np
import pytest

from bodies import json_body, multipart, npz
from client import Client, assert_problem
from region_cases import sample
from server import run
from state import state_directory

ARRAYS = sample("blobs", (20, 30), 3, images=3)
JOINT = {"method": "num_pixel_issues", "classes": 3}
CLASSES = ["road", "car, parked", 'a "tree" <b>&é']
IMAGES = ["b", "deep/er/a", "c, d"]


def named(**more):
    return {"class_names": json.dumps(CLASSES), "names": json.dumps(IMAGES)} | JOINT | more


def job_of(answer):
    assert answer.status_code == 200, answer.text
    return answer.headers["Location"]


@pytest.fixture
def job(client):
    return job_of(client.score(npz(**ARRAYS), **named()))


def test_they_come_in_the_query_in_forms_and_in_json(client):
    bodies = [
        (npz(**ARRAYS), named()),
        (multipart(named().items(), **ARRAYS), {}),
        (json_body(**ARRAYS, **JOINT, class_names=CLASSES, names=IMAGES), {}),
        (json_body(**ARRAYS, **JOINT, class_names=json.dumps(CLASSES), names=json.dumps(IMAGES)), {}),
        (multipart(**ARRAYS), named()),
    ]
    for body, parameters in bodies:
        job = job_of(client.score(body, **parameters))
        document = client.get(job).json()
        assert document["parameters"]["class_names"] == CLASSES
        assert client.get(f"{job}/names").json() == IMAGES
        assert document["links"]["names"] == f"{job}/names"
        client.delete(job)
    simple = job_of(client.score(npz(**ARRAYS), class_names="road, car,tree", names="a, b,c", **JOINT))
    assert client.get(simple).json()["parameters"]["class_names"] == ["road", "car", "tree"]
    assert client.get(f"{simple}/names").json() == ["a", "b", "c"]


def test_all_that_tells_of_single_images_has_their_names(client, job):
    for row in client.get(f"{job}/ranking").json()["ranking"]:
        assert row["name"] == IMAGES[row["image"]]
    regions = client.get(f"{job}/regions").json()["regions"]
    assert regions and all(region["name"] == IMAGES[region["image"]] for region in regions)
    table = client.get(f"{job}/regions", headers={"Accept": "text/csv"}).text
    rows = list(csv.DictReader(io.StringIO(table)))
    assert [row["name"] for row in rows] == [region["name"] for region in regions]
    # Labels stay numbers in tables, which programs read.
    assert all(row["given"].isdigit() for row in rows)
    masks = client.get(f"{job}/labels", headers={"Accept": "application/zip"}).content
    assert zipfile.ZipFile(io.BytesIO(masks)).namelist() == [f"{name}.png" for name in IMAGES]
    export = client.get(f"{job}/export?format=labelme").content
    members = [name for name in zipfile.ZipFile(io.BytesIO(export)).namelist() if name.endswith(".json")]
    assert sorted(members) == sorted(f"{name}.json" for name in IMAGES)


def test_arrays_of_one_size_stay_one_array(client):
    answer = client.score(npz(**ARRAYS), headers={"Accept": "application/x-npz"}, **named())
    found = np.load(io.BytesIO(answer.content))
    assert found["pixel_scores"].shape == ARRAYS["labels"].shape
    assert client.score(npz(**ARRAYS), **named()).json()["names"] == IMAGES


def test_exports_call_classes_as_the_job_does(client, job):
    def categories(**parameters):
        content = client.get(f"{job}/export", params={"format": "coco"} | parameters).content
        archive = zipfile.ZipFile(io.BytesIO(content))
        document = json.loads(archive.read(next(name for name in archive.namelist() if name.endswith(".json"))))
        return [category["name"] for category in document["categories"]]

    assert categories() == CLASSES
    assert categories(class_names="x,y,z") == ["x", "y", "z"]
    assert categories(class_names='["x, y", "z", "w"]') == ["x, y", "z", "w"]
    answer = client.get(f"{job}/export?format=coco&class_names=[1")
    assert_problem(answer, 400, "invalid-parameter", "class_names")


def test_a_summary_takes_names_with_commas(client, job):
    rows = client.get(f"{job}/summary", params={"class_names": json.dumps(CLASSES)}).json()
    numbers = client.get(f"{job}/summary").json()
    assert [row["given_label"] for row in rows] == [CLASSES[int(row["given_label"])] for row in numbers]


def test_counts_that_do_not_fit_are_refused(client):
    for body in (npz(**ARRAYS), json_body(**ARRAYS), multipart(**ARRAYS)):
        problem = assert_problem(
            client.score(body, class_names="a,b", **JOINT), 400, "invalid-parameter", "class_names"
        )
        assert "3 names" in problem["expected"] and "2 names" in problem["actual"]
        problem = assert_problem(client.score(body, names="a,b,c,d", **JOINT), 400, "invalid-parameter", "names")
        assert "3 names" in problem["expected"] and "4 names" in problem["actual"]


@pytest.mark.parametrize(
    "value", ["a,,c", "a,b,a", '["a", "b"', '["a", 1, "c"]', '["a", "b\\u0007", "c"]', '["a", "b\\nc", "d"]', "[]"]
)
def test_lists_that_cannot_be_are_refused(client, value):
    for name in ("class_names", "names"):
        assert_problem(client.score(npz(**ARRAYS), **{name: value}, **JOINT), 400, "invalid-parameter", name)


@pytest.mark.parametrize("name", ["../x", "a/../b", "/etc/passwd", "a\\b", "a//b", ".", "x" * 1025])
def test_names_of_images_that_lead_elsewhere_are_refused(client, name):
    answer = client.score(json_body(**ARRAYS, **JOINT, names=["a", name, "c"]))
    assert_problem(answer, 400, "invalid-parameter", "names")


def test_a_form_takes_long_lists(client):
    count = 20_000
    names = json.dumps([f"folder/image_{index:020}" for index in range(count)])
    assert len(names) > 64 << 10
    arrays = {"labels": np.zeros((count, 1, 1), np.uint8), "pred_probs": np.full((count, 2, 1, 1), 0.5, np.float32)}
    job = job_of(client.score(multipart([("names", names)], **arrays)))
    assert client.get(f"{job}/names").json() == json.loads(names)
    answer = client.score(multipart([("names", "x" * ((1 << 20) + 1))], **arrays))
    assert_problem(answer, 400, "invalid-parameter", "names")


def test_batches_have_class_names_alone(client):
    assert_problem(client.post("/jobs", params={"names": "a,b,c"}), 400, "invalid-parameter", "names")
    opened = client.post("/jobs", json=JOINT | {"class_names": CLASSES})
    assert opened.status_code == 201, opened.text
    path = opened.headers["Location"]
    assert opened.json()["parameters"]["class_names"] == CLASSES
    body = npz(**ARRAYS)
    assert client.post(f"{path}/batches", data=body.data, headers=dict(body.fields)).status_code == 201
    assert client.post(f"{path}/finish").status_code == 202
    assert client.get(f"{path}?wait=30").json()["parameters"]["class_names"] == CLASSES
    query = client.post("/jobs", params={"class_names": "a,b"} | JOINT).headers["Location"]
    answer = client.post(f"{query}/batches", data=body.data, headers=dict(body.fields))
    assert_problem(answer, 400, "invalid-parameter", "class_names")
    body = multipart([("class_names", "a,b,c")])
    answer = client.post("/jobs", data=body.data, headers=dict(body.fields))
    assert answer.json()["parameters"]["class_names"] == ["a", "b", "c"]


def test_the_inference_protocol_takes_them_as_texts(client):
    inputs = [
        {"name": "labels", "shape": [1, 1, 2], "datatype": "INT32", "data": [0, 1]},
        {"name": "pred_probs", "shape": [1, 2, 1, 2], "datatype": "FP32", "data": [0.9, 0.2, 0.1, 0.8]},
    ]
    request = {"inputs": inputs, "parameters": {"class_names": '["a, b", "c"]', "names": "x"}}
    answer = client.post("/v2/models/segscore/infer", json=request)
    assert answer.status_code == 200, answer.text
    request["parameters"] = {"class_names": "a,b,c"}
    assert_problem(client.post("/v2/models/segscore/infer", json=request), 400, "invalid-parameter", "class_names")


def test_names_outlive_the_process():
    with state_directory() as state:
        client = state.start()
        job = client.score(npz(**ARRAYS), headers={"Prefer": "respond-async"}, **named()).headers["Location"]
        assert client.get(f"{job}?wait=30").json()["status"] == "succeeded"
        opened = client.post("/jobs", json=JOINT | {"class_names": CLASSES}).headers["Location"]
        state.end(signal.SIGKILL)
        client = state.start()
        for path in (job, opened):
            assert client.get(path).json()["parameters"]["class_names"] == CLASSES
        assert client.get(f"{job}/names").json() == IMAGES
        assert client.get(f"{job}/regions").json()["regions"][0]["name"] in IMAGES


def test_files_that_are_written_come_with_the_names(start_server, tmp_path):
    with Client(start_server("--data-dir", str(tmp_path))) as client:
        assert client.score(npz(**ARRAYS), output="out", **named()).status_code == 200
    assert json.loads((tmp_path / "out/image_names.json").read_text()) == IMAGES
    assert np.load(tmp_path / "out/pixel_scores.npy").shape == ARRAYS["labels"].shape


def test_images_of_folders_have_the_names_of_their_files(start_server, tmp_path):
    for folder, array in [("masks", np.zeros((4, 4), np.uint8)), ("probs", np.full((2, 4, 4), 0.5, np.float32))]:
        (tmp_path / folder).mkdir()
        for name in "ab":
            np.save(tmp_path / folder / f"{name}.npy", array)
    folders = {"labels": {"folder": "masks"}, "pred_probs": {"folder": "probs"}}
    with Client(start_server("--data-dir", str(tmp_path))) as client:
        assert_problem(client.post("/score", json=folders | {"names": ["x", "y"]}), 400, "invalid-parameter", "names")
        answer = client.post("/score", json=folders | {"class_names": ["x", "y", "z"]})
        assert_problem(answer, 400, "invalid-parameter", "class_names")
        job = client.post("/score", json=folders | {"class_names": ["x", "y"]}).headers["Location"]
        assert client.get(job).json()["parameters"]["class_names"] == ["x", "y"]
    masks, probabilities = str(tmp_path / "masks"), str(tmp_path / "probs")
    assert run("score", masks, probabilities, "--class-names", "x,y").returncode == 0
    refused = run("score", masks, probabilities, "--class-names", '["x"]')
    assert refused.returncode == 1 and "2 names" in refused.stderr and "1 names" in refused.stderr


def test_the_flag_names_classes_of_files(tmp_path):
    np.savez(tmp_path / "arrays.npz", labels=[[[0, 1]]], pred_probs=np.full((1, 2, 1, 2), 0.5, np.float32))
    path = str(tmp_path / "arrays.npz")
    assert run("score", path, "--class-names", "x,y").returncode == 0
    refused = run("score", path, "--class-names", "x,y,z")
    assert refused.returncode == 1 and "class_names" in refused.stderr
