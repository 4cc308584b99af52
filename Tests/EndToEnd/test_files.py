"""Files on a shared volume instead of bodies, and results written there."""

import errno
import io
import os
import threading

import numpy as np
import pytest

import bodies
import faults
import reference
from client import Client, assert_problem
from server import run

LABELS, PRED_PROBS = reference.sample(images=5, classes=4, height=24, width=16, seed=7)
BODY = bodies.npz(labels=LABELS, pred_probs=PRED_PROBS)
METHODS = pytest.mark.parametrize(
    "parameters",
    [{}, {"threshold": 0.3}, {"method": "num_pixel_issues"}, {"method": "num_pixel_issues", "downsample": 4}],
)


@pytest.fixture(scope="module")
def volume(tmp_path_factory):
    """A shared volume, with a file beside it that is nobody's business."""
    root = tmp_path_factory.mktemp("shared")
    run7 = root / "data/run7"
    run7.mkdir(parents=True)
    (root / "other").mkdir()
    np.save(root / "secret.npy", LABELS)
    np.save(root / "other/labels.npy", LABELS)
    np.save(run7 / "labels.npy", LABELS)
    np.save(run7 / "pred_probs.npy", PRED_PROBS)
    np.save(run7 / "fortran.npy", np.asfortranarray(PRED_PROBS))
    np.savez(run7 / "stored.npz", a=LABELS, b=PRED_PROBS)
    np.savez_compressed(run7 / "deflated.npz", b=PRED_PROBS, a=LABELS)
    (run7 / "out").symlink_to(root / "secret.npy")
    (run7 / "in").symlink_to("labels.npy")
    os.mkfifo(run7 / "pipe")
    return root


@pytest.fixture(scope="module")
def client(volume, start_server):
    server = start_server("--data-dir", volume / "data", "--data-dir", f"more={volume / 'other'}")
    with Client(server) as client:
        yield client


def score(client, labels="run7/labels.npy", pred_probs="run7/pred_probs.npy", accept="application/json", **members):
    files = {"labels": {"file": labels}, "pred_probs": {"file": pred_probs}}
    return client.post("/score", json=files | members, headers={"Accept": accept})


@METHODS
@pytest.mark.parametrize(
    "labels, pred_probs",
    [
        ("run7/labels.npy", "run7/pred_probs.npy"),
        ("more/labels.npy", "run7/fortran.npy"),
        ("run7/stored.npz#a", "run7/stored.npz#b.npy"),
        ("run7/deflated.npz#a.npy", "run7/deflated.npz#b"),
        ("run7/in", "run7/../run7/pred_probs.npy"),
    ],
)
def test_files_are_scored_as_bodies_are(client, parameters, labels, pred_probs):
    expected = client.score(BODY, headers={"Accept": "application/x-npz"}, **parameters)
    answer = score(client, labels, pred_probs, "application/x-npz", **parameters)
    assert answer.status_code == 200, answer.text
    assert answer.content == expected.content
    job = client.get(answer.headers["Location"]).json()
    assert job["shape"] == {"images": 5, "classes": 4, "height": 24, "width": 16}


@pytest.mark.parametrize(
    "read, labels, pred_probs, parameters, is_known",
    [
        (None, "run7/labels.npy", "run7/pred_probs.npy", {}, False),
        ("labelled", "run7/labels.npy", "run7/pred_probs.npy", {"threshold": 0.3}, False),
        ("all", "run7/labels.npy", "run7/pred_probs.npy", {"threshold": 0.3}, True),
        (None, "run7/labels.npy", "run7/fortran.npy", {}, True),
        (None, "run7/stored.npz#a", "run7/stored.npz#b", {}, True),
        ("labelled", "run7/labels.npy", "run7/pred_probs.npy", {"method": "num_pixel_issues"}, True),
    ],
)
def test_predicted_classes_are_known_where_all_was_read(client, read, labels, pred_probs, parameters, is_known):
    answer = score(client, labels, pred_probs, **parameters, **({"read": read} if read else {}))
    job = client.get(answer.headers["Location"]).json()
    assert job["parameters"].get("read") == read
    assert ("summary" in job["links"]) == is_known
    whole = client.score(BODY, **parameters).headers["Location"]
    for resource in ("summary", "issues?class=1"):
        found = client.get(f"{answer.headers['Location']}/{resource}")
        if is_known:
            assert found.content == client.get(f"{whole}/{resource}").content
        else:
            assert "read=all" in assert_problem(found, 404, "no-predicted-classes")["expected"]
    for resource in ("issues", "ranking"):
        path = f"{answer.headers['Location']}/{resource}"
        assert client.get(path).content == client.get(f"{whole}/{resource}").content


def test_what_is_not_read_is_not_checked(client, volume):
    pred_probs = PRED_PROBS.copy()
    image, row, column = 3, 5, 7
    other = (LABELS[image, row, column] + 1) % 4
    # Between pixels that have it for their label, classes are read from the first of them to the last.
    pred_probs[image, other] = 2
    labels = np.where(LABELS == other, LABELS[image, row, column], LABELS)
    np.save(volume / "data/run7/one_bad.npy", pred_probs)
    np.save(volume / "data/run7/others.npy", labels)
    files = ("run7/others.npy", "run7/one_bad.npy")
    assert score(client, *files).status_code == 200
    assert_problem(score(client, *files, read="all"), 422, "probability-out-of-range", "pred_probs")
    assert_problem(score(client, *files, method="num_pixel_issues"), 422, "probability-out-of-range", "pred_probs")
    np.save(volume / "data/run7/one_bad.npy", -pred_probs)
    assert_problem(score(client, *files), 422, "probability-out-of-range", "pred_probs")


@pytest.mark.parametrize("read, is_known", [("labelled", False), ("all", True)])
def test_how_much_is_read_may_be_said_in_the_query(client, read, is_known):
    files = {"labels": {"file": "run7/labels.npy"}, "pred_probs": {"file": "run7/pred_probs.npy"}}
    one = client.post(f"/score?read={read}", json=files).headers["Location"]
    many = client.post(f"/jobs?read={read}").headers["Location"]
    assert client.post(f"{many}/batches", json=files).status_code == 201
    client.post(f"{many}/finish")
    for job in (one, many):
        assert ("summary" in client.get(f"{job}?wait=30").json()["links"]) == is_known


def test_a_read_that_is_none_is_refused(client, leaves_nothing):
    assert_problem(score(client, read="some"), 400, "invalid-parameter", "read")


def test_one_array_may_come_in_the_body(client):
    expected = client.scored(BODY)["image_scores"]
    for members in (
        {"labels": LABELS.tolist(), "pred_probs": {"file": "run7/pred_probs.npy"}},
        {"pred_probs": PRED_PROBS.tolist(), "labels": {"file": "run7/labels.npy"}},
    ):
        answer = client.post("/score", json=members)
        assert answer.status_code == 200, answer.text
        np.testing.assert_allclose(answer.json()["image_scores"], expected, rtol=1e-6)


def test_a_job_that_is_not_waited_for_reads_files_too(client):
    answer = client.post(
        "/score",
        headers={"Prefer": "respond-async"},
        json={"labels": {"file": "run7/labels.npy"}, "pred_probs": {"file": "run7/pred_probs.npy"}},
    )
    assert answer.status_code == 202
    job = client.get(answer.headers["Location"] + "?wait=30").json()
    assert job["status"] == "succeeded" and job["progress"]["images_done"] == 5


def test_batches_may_be_files(client):
    job = client.post("/jobs", json={"method": "num_pixel_issues", "output": "run9"}).headers["Location"]
    for _ in range(2):
        assert (
            client.post(
                f"{job}/batches",
                json={"labels": {"file": "run7/labels.npy"}, "pred_probs": {"file": "run7/pred_probs.npy"}},
            ).status_code
            == 201
        )
    assert client.post(f"{job}/finish").status_code == 202
    assert client.get(f"{job}?wait=30").json()["shape"]["images"] == 10
    assert client.delete(job).status_code == 204


# Results


@METHODS
def test_results_are_written(client, volume, parameters):
    expected = np.load(io.BytesIO(client.score(BODY, headers={"Accept": "application/x-npz"}, **parameters).content))
    answer = score(client, output="run8/deep/scores", **parameters)
    assert answer.status_code == 200, answer.text
    folder = volume / "data/run8/deep/scores"
    assert client.get(answer.headers["Location"]).json()["parameters"]["output"] == "run8/deep/scores"
    for name in expected.files:
        np.testing.assert_array_equal(np.load(folder / f"{name}.npy"), expected[name])
    for path in folder.iterdir():
        path.unlink()


def test_only_what_is_named_is_written(client, volume):
    assert client.score(BODY, output="more/few", include="image_scores").status_code == 200
    assert [path.name for path in (volume / "other/few").iterdir()] == ["image_scores.npy"]


def test_a_form_may_name_an_output(client, volume):
    form = bodies.multipart([("output", "more/form")], labels=LABELS, pred_probs=PRED_PROBS)
    assert client.score(form).status_code == 200
    assert (volume / "other/form/pixel_scores.npy").exists()


def test_images_of_several_sizes_are_files_of_their_own(client, volume):
    job = client.post("/jobs", params={"output": "more/ragged"}).headers["Location"]
    for side in (8, 16):
        labels, pred_probs = reference.sample(images=2, classes=3, height=side, width=8, seed=side)
        assert client.score(bodies.npz(labels=labels, pred_probs=pred_probs), path=f"{job}/batches").status_code == 201
    client.post(f"{job}/finish")
    assert client.get(f"{job}?wait=30").json()["status"] == "succeeded"
    folder = volume / "other/ragged"
    assert np.load(folder / "image_scores.npy").shape == (4,)
    assert [np.load(folder / f"pixel_scores/00000{index}.npy").shape for index in range(4)] == [(8, 8)] * 2 + [
        (16, 8)
    ] * 2


def test_nothing_of_an_earlier_run_stays_beside_a_later_one(client, volume):
    folder = volume / "other/again"
    every = {"threshold": "0.3", "method": "num_pixel_issues"}
    assert client.score(BODY, output="more/again", **every).status_code == 200
    (folder / "notes.npy").write_bytes(b"a person's")
    (folder / "pixel_scores").mkdir()
    for name in ("000000.npy", "000000.txt", "12.npy"):
        (folder / "pixel_scores" / name).write_bytes(b"")
    assert len(list(folder.glob("*.npy"))) == 5
    smaller = bodies.npz(labels=LABELS[:1], pred_probs=PRED_PROBS[:1])
    assert client.score(smaller, output="more/again").status_code == 200
    left = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert left == {
        "image_scores.npy",
        "pixel_scores.npy",
        "notes.npy",
        "pixel_scores/000000.txt",
        "pixel_scores/12.npy",
    }
    assert np.load(folder / "pixel_scores.npy").shape == LABELS[:1].shape


def test_results_are_on_the_disk_when_they_are_answered(tmp_path, start_server):
    with (
        faults.faults(tmp_path) as fault,
        Client(start_server("--data-dir", tmp_path, env=fault.environment)) as client,
    ):
        fault.count(faults.SYNC)
        assert client.score(BODY, output="run", threshold="0.3").status_code == 200
        # Each file, the folder, and that in which it is new.
        assert fault.seen == len(list((tmp_path / "run").iterdir())) + 2 == 5
        fault.arm(faults.SYNC, error=errno.EIO)
        assert_problem(client.score(BODY, output="run"), 500, "internal-error")


# What is refused


@pytest.mark.parametrize(
    "path, detail",
    [
        ("../secret.npy", "leads out"),
        ("/etc/hostname", "leads out"),
        ("run7/out", "leads out"),
        ("run7/../../secret.npy", "leads out"),
        ("run7/pipe", "no regular file"),
        ("run7", "no regular file"),
        ("none.npy", "No such file"),
        ("run7/stored.npz#none", "no member none; it has a, b"),
        ("run7/stored.npz", "name one of its members, which are a, b"),
        ("more/../../secret.npy", "leads out"),
    ],
)
def test_a_file_that_may_not_be_read_is_refused(client, leaves_nothing, path, detail):
    problem = assert_problem(score(client, pred_probs=path), 422, "file-unusable", "pred_probs")
    assert detail in problem["detail"]


@pytest.mark.parametrize("value", ["", "a\0b", "x" * 5000])
def test_what_is_no_path_is_refused(client, leaves_nothing, value):
    assert_problem(score(client, labels=value), 400, "invalid-parameter", "labels")


@pytest.mark.parametrize("value", [{}, {"file": 3}, {"file": "a", "b": "c"}, {"path": "a"}])
def test_an_object_that_names_no_file_is_refused(client, leaves_nothing, value):
    answer = client.post("/score", json={"labels": value, "pred_probs": {"file": "run7/pred_probs.npy"}})
    assert_problem(answer, 400, "invalid-parameter", "labels")


@pytest.mark.parametrize("path", ["../out", "/tmp/out", "run7/labels.npy", "run7/../../x"])
def test_results_go_nowhere_else(client, volume, leaves_nothing, path):
    before = sorted(volume.rglob("*"))
    assert_problem(score(client, output=path), 422, "file-unusable", "output")
    assert sorted(volume.rglob("*")) == before


def test_a_file_with_something_wrong_is_refused_as_a_body_is(client, volume, leaves_nothing):
    np.save(volume / "data/wrong.npy", PRED_PROBS[:, :, :8])
    (volume / "data/cut.npy").write_bytes((volume / "data/run7/pred_probs.npy").read_bytes()[:-4])
    assert_problem(score(client, pred_probs="wrong.npy"), 422, "shape-mismatch", "resize")
    assert_problem(score(client, pred_probs="cut.npy"), 400, "malformed-body", "pred_probs")
    # Four dimensions are those of one-hot labels, which probabilities are not.
    assert_problem(score(client, labels="run7/pred_probs.npy"), 422, "label-out-of-range", "labels")


def test_a_file_that_shrinks_ends_the_request_and_not_the_server(client, volume):
    path = volume / "data/large.npy"
    labels, pred_probs = reference.sample(images=40, classes=8, height=64, width=64, seed=1)
    np.save(volume / "data/large_labels.npy", labels)
    np.save(path, pred_probs)
    size, is_over = path.stat().st_size, threading.Event()

    def shrink():
        while not is_over.is_set():
            os.truncate(path, size // 2)
            os.truncate(path, size)

    thread = threading.Thread(target=shrink)
    thread.start()
    try:
        answers = [score(client, "large_labels.npy", "large.npy") for _ in range(30)]
    finally:
        is_over.set()
        thread.join()
    for answer in answers:
        if answer.status_code != 200:
            assert answer.status_code in (400, 422), answer.text
    assert client.get("/livez").status_code == 200


def test_a_server_without_directories_takes_no_files(start_server, volume):
    with Client(start_server()) as client:
        assert_problem(score(client), 400, "files-not-taken", "labels")
        assert_problem(client.score(BODY, output="x"), 400, "files-not-taken", "output")
        assert_problem(client.post("/jobs", params={"output": "x"}), 400, "files-not-taken", "output")


def test_a_server_with_names_only_says_which(start_server, volume):
    with Client(start_server("--data-dir", f"a={volume}", "--data-dir", f"b={volume / 'data'}")) as client:
        assert score(client, "b/run7/labels.npy", "a/data/run7/pred_probs.npy").status_code == 200
        problem = assert_problem(score(client), 400, "invalid-parameter", "labels")
        assert "a/, b/" in problem["expected"]


@pytest.mark.parametrize(
    "flags, sentence", [(["/none"], "No such file"), (["/tmp", "/"], "Only one"), (["a=/tmp", "a=/"], "named a")]
)
def test_directories_that_cannot_be_are_refused_at_the_start(flags, sentence):
    result = run("serve", "--listen", "127.0.0.1:0", *(part for flag in flags for part in ("--data-dir", flag)))
    assert result.returncode != 0 and sentence in result.stderr
