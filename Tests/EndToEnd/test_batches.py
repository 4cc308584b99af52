"""Jobs that take their images in batches: their life, their answers, and that they are those of one request."""

import io
import json

import numpy as np
import PIL.Image
import pytest

import reference
from bodies import Body, array_of, json_body, multipart, npz, npz_deflated
from client import BareConnection, Client, assert_problem
from server import eventually

NPY, NPZ, JSON, PNG = "application/x-npy", "application/x-npz", "application/json", "image/png"
LABELS, PRED_PROBS = reference.sample(images=7, height=8, width=6)
METHODS = [
    {"method": "softmin"},
    {"method": "num_pixel_issues"},
    {"method": "num_pixel_issues", "downsample": "2"},
    {"method": "margin"},
]


def open_job(client, **parameters):
    """The path of a job that takes batches."""
    answer = client.post("/jobs", params=parameters)
    assert answer.status_code == 201, answer.text
    job = answer.json()
    assert job["status"] == "open" and answer.headers["Location"] == job["links"]["self"]
    return job["links"]["self"]


def add(client, job, body, key=None, status=201):
    answer = client.score(body, path=f"{job}/batches", headers={"Idempotency-Key": key} if key else None)
    assert answer.status_code == status, answer.text
    return answer.json()


def finish(client, job):
    """Finishes a job, and waits for its end."""
    answer = client.post(f"{job}/finish")
    assert answer.status_code == 202, answer.text
    assert answer.headers["Location"] == job and int(answer.headers["Retry-After"]) >= 1
    return client.get(f"{job}?wait=30").json()


def batch(images, labels=LABELS, pred_probs=PRED_PROBS):
    return {"labels": labels[images], "pred_probs": pred_probs[images]}


# The life of an open job


@pytest.mark.parametrize("parameters", METHODS, ids=lambda each: "-".join(each.values()))
@pytest.mark.parametrize("cuts", [[7], [1, 2, 4], [3, 4]], ids=str)
def test_batches_give_what_one_request_gives(client, parameters, cuts):
    whole = client.scored(npz(**batch(slice(None))), **parameters)["links"]["self"]
    job = open_job(client, **parameters)
    first = 0
    for index, (count, form_of) in enumerate(zip(cuts, [npz, multipart, npz_deflated])):
        document = add(client, job, form_of(**batch(slice(first, first + count))))
        assert document == {
            "job": job.removeprefix("/jobs/"),
            "batch": index,
            "first_image": first,
            "shape": {"images": count, "classes": PRED_PROBS.shape[1], "height": 8, "width": 6},
        }
        first += count
        assert client.get(job).json()["shape"]["images"] == first
    ended = finish(client, job)
    assert ended["status"] == "succeeded" and ended["progress"]["images_done"] == 7
    assert ended["shape"] == {"images": 7, "classes": PRED_PROBS.shape[1], "height": 8, "width": 6}

    resources = ["image_scores", "pixel_scores", "pixel_scores?image=5", "issues?threshold=0.3", "issues?class=1"]
    if parameters["method"] != "softmin":
        resources += ["label_issues", "label_issues?image=6", "label_issues?class=0"]
    for resource in resources:
        expected, found = (array_of(client.get(f"{path}/{resource}")) for path in (whole, job))
        assert expected.dtype == found.dtype and np.array_equal(expected, found), resource
        as_json = [client.get(f"{path}/{resource}", headers={"Accept": JSON}).json() for path in (whole, job)]
        assert as_json[0] == as_json[1], resource
    documents = ["ranking", "ranking?threshold=0.2&limit=3", "summary", "summary?exclude=0"]
    if parameters["method"] != "softmin":
        documents.append("statistics")
    for resource in documents:
        assert client.get(f"{whole}/{resource}").json() == client.get(f"{job}/{resource}").json(), resource


def test_images_of_several_sizes_come_back_one_by_one(client):
    sizes = [(2, 8, 6), (1, 5, 9), (3, 4, 4)]
    samples = [reference.sample(images=n, height=h, width=w) for n, h, w in sizes]
    job = open_job(client, threshold="0.4", method="num_pixel_issues")
    for labels, pred_probs in samples:
        add(client, job, npz(labels=labels, pred_probs=pred_probs))
    shape = finish(client, job)["shape"]
    assert shape == {"images": 6, "classes": PRED_PROBS.shape[1], "height": None, "width": None}
    scores = [image for labels, pred_probs in samples for image in reference.pixel_scores(labels, pred_probs)]

    for headers in ({}, {"Accept": NPZ}, {"Accept": f"{NPZ}, {JSON}"}):
        answer = client.get(f"{job}/pixel_scores", headers=headers)
        assert answer.headers["Content-Type"] == NPZ
        with np.load(io.BytesIO(answer.content)) as archive:
            assert archive.files == [f"pixel_scores/{index:06}" for index in range(6)]
            for index, expected in enumerate(scores):
                assert np.array_equal(archive[f"pixel_scores/{index:06}"], expected)
    assert [np.array(image).shape for image in client.get(f"{job}/pixel_scores", headers={"Accept": JSON}).json()] == [
        image.shape for image in scores
    ]
    for resource in ("issues", "label_issues"):
        with np.load(io.BytesIO(client.get(f"{job}/{resource}").content)) as archive:
            assert [archive[name].shape for name in archive.files] == [image.shape for image in scores]
            assert all(archive[name].dtype == bool for name in archive.files)
    with np.load(io.BytesIO(client.get(f"{job}/issues").content)) as archive:
        assert np.array_equal(archive["issues/000002"], scores[2] < 0.4)
    assert array_of(client.get(f"{job}/image_scores")).shape == (6,)
    assert np.array_equal(array_of(client.get(f"{job}/pixel_scores?image=2")), scores[2])
    picture = PIL.Image.open(io.BytesIO(client.get(f"{job}/label_issues?image=2", headers={"Accept": PNG}).content))
    assert picture.size == (9, 5)
    assert_problem(client.get(f"{job}/pixel_scores", headers={"Accept": NPY}), 406, "not-acceptable", "Accept")
    assert_problem(client.get(f"{job}/pixel_scores?image=6"), 400, "invalid-parameter", "image")
    ranking = client.get(f"{job}/ranking").json()["ranking"]
    assert sorted(row["image"] for row in ranking) == list(range(6))


def test_npz_of_one_size_has_one_member_an_image(client):
    job = client.scored(npz(**batch(slice(3))), method="num_pixel_issues")["links"]["self"]
    for resource in ("pixel_scores", "issues", "label_issues"):
        answer = client.get(f"{job}/{resource}", headers={"Accept": NPZ})
        with np.load(io.BytesIO(answer.content)) as archive:
            whole = array_of(client.get(f"{job}/{resource}"))
            assert np.array_equal(np.stack([archive[f"{resource}/{index:06}"] for index in range(3)]), whole)
    with np.load(io.BytesIO(client.get(f"{job}/issues?image=1", headers={"Accept": NPZ}).content)) as archive:
        assert archive.files == ["issues/000001"]


def test_batches_of_json_are_float64(client):
    job = open_job(client)
    for index in range(2):
        add(client, job, json_body(**batch(slice(index, index + 1))))
    finish(client, job)
    assert array_of(client.get(f"{job}/pixel_scores")).dtype == np.float64
    assert (
        client.get(f"{job}/pixel_scores", headers={"Accept": JSON}).json()
        == reference.pixel_scores(LABELS[:2], PRED_PROBS[:2]).astype(np.float64).tolist()
    )


# Parameters


def test_parameters_come_in_the_query_as_json_or_as_a_form(client):
    wanted = {"temperature": 0.5, "downsample": 2, "threshold": 0.25, "ignore_label": 255}
    texts = {"method": "num_pixel_issues"} | {name: str(value) for name, value in wanted.items()}
    answers = [
        client.post("/jobs", params=texts),
        client.post("/jobs", json={"method": "num_pixel_issues"} | wanted),
        client.post("/jobs", files={name: (None, text) for name, text in texts.items()}),
        client.post("/jobs", params={"method": "num_pixel_issues"}, json=wanted),
    ]
    for answer in answers:
        assert answer.status_code == 201, answer.text
        assert answer.json()["parameters"] == wanted | {"method": "num_pixel_issues"}


@pytest.mark.parametrize(
    "options, slug, parameter",
    [
        ({"params": {"methd": "softmin"}}, "unknown-parameter", "methd"),
        ({"params": {"include": "issues"}}, "unknown-parameter", "include"),
        ({"params": {"temperature": "0"}}, "invalid-parameter", "temperature"),
        ({"params": {"downsample": "2"}}, "invalid-parameter", "downsample"),
        ({"params": {"method": "softmin"}, "json": {"method": "softmin"}}, "repeated-parameter", "method"),
        ({"json": {"labels": [[[0]]]}}, "unknown-parameter", "labels"),
        ({"data": b"{", "headers": {"Content-Type": JSON}}, "malformed-body", None),
    ],
    ids=str,
)
def test_parameters_that_make_no_sense_open_nothing(client, leaves_nothing, options, slug, parameter):
    assert_problem(client.post("/jobs", **options), 400, slug, parameter)


def test_a_body_that_holds_no_parameters_is_refused(client, leaves_nothing):
    assert_problem(client.post("/jobs", data=b"method=softmin"), 415, "unsupported-media-type")
    assert_problem(client.post("/jobs", headers={"Accept": NPY}), 406, "not-acceptable")


def test_only_so_much_json_is_taken(start_server):
    with Client(start_server("--max-json-bytes", "100")) as client:
        text = json.dumps({"method": " " * 200})
        assert_problem(client.post("/jobs", data=text, headers={"Content-Type": JSON}), 413, "body-too-large")


def test_a_batch_has_no_parameters_of_its_own(client):
    job = open_job(client)
    assert_problem(
        client.score(npz(**batch(slice(1))), path=f"{job}/batches", threshold="0.1"),
        400,
        "unknown-parameter",
        "threshold",
    )
    assert_problem(
        client.score(multipart([("threshold", "0.1")], **batch(slice(1))), path=f"{job}/batches"),
        400,
        "unknown-parameter",
        "threshold",
    )
    assert_problem(
        client.score(json_body(**batch(slice(1)), method="softmin"), path=f"{job}/batches"),
        400,
        "unknown-parameter",
        "method",
    )
    assert_problem(client.post(f"{job}/finish?wait=1"), 400, "unknown-parameter", "wait")


# Batches that are wrong


def test_a_wrong_batch_leaves_the_job_as_it_was(client):
    job = open_job(client, method="num_pixel_issues")
    add(client, job, npz(**batch(slice(3))))
    wrong = LABELS[:1].copy()
    wrong[0, 2, 3] = 77
    for body, status, slug in [
        (npz(labels=wrong, pred_probs=PRED_PROBS[:1]), 422, "label-out-of-range"),
        (npz(labels=LABELS[:2], pred_probs=PRED_PROBS[:1]), 422, "shape-mismatch"),
        (npz(labels=LABELS[:1] * 0, pred_probs=PRED_PROBS[:1, :2]), 422, "batch-mismatch"),
        (npz(labels=LABELS[:1], pred_probs=PRED_PROBS[:1].astype(np.float64)), 422, "batch-mismatch"),
        (npz(labels=LABELS[:1], pred_probs=PRED_PROBS[:1] + 2), 422, "probability-out-of-range"),
        (npz(labels=LABELS[:1]), 400, "missing-array"),
        (Body(b"hello", {}), 415, "unsupported-media-type"),
    ]:
        assert_problem(client.score(body, path=f"{job}/batches"), status, slug)
    assert add(client, job, npz(**batch(slice(3, None))))["first_image"] == 3
    assert finish(client, job)["shape"]["images"] == 7
    whole = client.scored(npz(**batch(slice(None))), method="num_pixel_issues")
    assert array_of(client.get(f"{job}/image_scores")).tolist() == whole["image_scores"]


def test_downsample_has_to_divide_every_batch(client):
    job = open_job(client, method="num_pixel_issues", downsample="2")
    labels, pred_probs = reference.sample(images=1, height=5, width=4)
    answer = client.score(npz(labels=labels, pred_probs=pred_probs), path=f"{job}/batches")
    assert_problem(answer, 422, "downsample-does-not-divide", "downsample")


def test_a_job_grows_up_to_what_is_kept_of_results(start_server):
    with Client(start_server("--result-memory", "2KiB")) as client:
        job = open_job(client)
        for index in range(4):
            add(client, job, npz(**batch(slice(index, index + 1))))
        for _ in range(10):
            answer = client.score(npz(**batch(slice(1))), path=f"{job}/batches")
            if answer.status_code != 201:
                break
        problem = assert_problem(answer, 413, "job-too-large")
        assert problem["limit"] == 2048
        assert finish(client, job)["status"] == "succeeded"


# Coming twice


def test_a_batch_with_a_key_is_added_once(client):
    job = open_job(client)
    first = add(client, job, npz(**batch(slice(2))), key="epoch-1/batch-0")
    add(client, job, npz(**batch(slice(2, 4))), key="another")
    assert add(client, job, npz(**batch(slice(2))), key="epoch-1/batch-0", status=200) == first
    assert finish(client, job)["shape"]["images"] == 4


def test_another_batch_with_the_key_is_refused(client):
    job = open_job(client)
    add(client, job, npz(**batch(slice(2))), key="k")
    answer = client.score(npz(**batch(slice(2, 4))), path=f"{job}/batches", headers={"Idempotency-Key": "k"})
    assert_problem(answer, 422, "idempotency-key-reused", "Idempotency-Key")
    assert finish(client, job)["shape"]["images"] == 2


def test_a_key_is_free_again_after_a_batch_that_was_refused(client):
    job = open_job(client)
    wrong = npz(labels=LABELS[:1] + 50, pred_probs=PRED_PROBS[:1])
    add(client, job, wrong, key="k", status=422)
    add(client, job, npz(**batch(slice(1))), key="k")
    assert_problem(
        client.score(npz(**batch(slice(1))), path=f"{job}/batches", headers={"Idempotency-Key": "k" * 256}),
        400,
        "invalid-header",
        "Idempotency-Key",
    )


@pytest.fixture
def arriving(client, server):
    """A job with a batch, and a connection that has sent half of another, of the key `half`."""
    job = open_job(client)
    body = npz(**batch(slice(1, 3)))
    with BareConnection(server.address) as connection:
        connection.send_body_head(body, "Idempotency-Key: half", target=f"{job}/batches")
        connection.send(body.data[: len(body.data) // 2])
        eventually(lambda: "batch-arriving" in client.post(f"{job}/finish").text, "the batch is on its way")
        add(client, job, npz(**batch(slice(1))))
        yield job, connection, body.data[len(body.data) // 2 :]


def test_what_is_on_its_way_is_waited_for(client, arriving):
    job, connection, rest = arriving
    assert_problem(client.post(f"{job}/finish"), 409, "batch-arriving")
    answer = client.score(npz(**batch(slice(1))), path=f"{job}/batches", headers={"Idempotency-Key": "half"})
    assert_problem(answer, 409, "batch-arriving", "Idempotency-Key")
    connection.send(rest)
    assert connection.read().status_code == 201
    assert finish(client, job)["shape"]["images"] == 3


def test_a_batch_that_was_cut_short_is_none(client, arriving):
    job, connection, _ = arriving
    connection.close()
    eventually(lambda: client.post(f"{job}/finish").status_code == 202, "the job goes on without it")
    assert client.get(f"{job}?wait=30").json()["shape"]["images"] == 1


def test_canceling_ends_what_arrives(client, arriving):
    job, connection, rest = arriving
    assert client.post(f"{job}/cancel").json()["status"] == "canceled"
    connection.send(rest)
    assert_problem(connection.read(), 409, "job-not-open")


# Jobs that take none


def test_a_job_that_is_not_open_takes_no_batch(client):
    done = client.scored(npz(**batch(slice(1))))["links"]["self"]
    for path in (f"{done}/batches", f"{done}/finish"):
        assert_problem(client.score(npz(**batch(slice(1))), path=path), 409, "job-not-open")
        unknown = path.replace(done, "/jobs/" + "0" * 32)
        assert_problem(client.score(npz(**batch(slice(1))), path=unknown), 404, "unknown-job")
        assert_problem(
            client.score(npz(**batch(slice(1))), accept=NPY, path=path),
            406 if "finish" in path else 409,
            "not-acceptable" if "finish" in path else "job-not-open",
        )
    job = open_job(client)
    assert_problem(client.score(npz(**batch(slice(1))), accept=NPY, path=f"{job}/batches"), 406, "not-acceptable")
    assert_problem(client.post(f"{job}/finish"), 409, "no-batches")
    assert client.delete(job).status_code == 204
    assert_problem(client.score(npz(**batch(slice(1))), path=f"{job}/batches"), 404, "unknown-job")


def test_an_open_job_has_no_results_yet(client):
    job = open_job(client)
    add(client, job, npz(**batch(slice(1))))
    assert_problem(client.get(f"{job}/image_scores"), 409, "job-not-finished")
    links = client.get(job).json()["links"]
    assert links == {
        "self": job,
        "events": f"{job}/events",
        "batches": f"{job}/batches",
        "finish": f"{job}/finish",
        "cancel": f"{job}/cancel",
    }
    assert job.removeprefix("/jobs/") in [each["id"] for each in client.get("/jobs?status=open").json()["jobs"]]
    assert client.delete(job).status_code == 204


def test_only_so_many_jobs_are_open(start_server):
    with Client(start_server("--backlog", "2")) as client:
        jobs = [open_job(client) for _ in range(2)]
        answer = client.post("/jobs")
        assert_problem(answer, 503, "too-many-open-jobs")
        assert int(answer.headers["Retry-After"]) >= 1
        assert client.scored(npz(**batch(slice(1)))), "they do not stand in the way of others"
        client.delete(jobs[0])
        open_job(client)


def test_a_job_that_is_left_alone_is_canceled(start_server):
    with Client(start_server("--open-ttl", "0.5")) as client:
        job = open_job(client)
        add(client, job, npz(**batch(slice(1))))
        assert client.get(f"{job}?wait=20").json()["status"] == "canceled"
        assert_problem(client.score(npz(**batch(slice(1))), path=f"{job}/batches"), 409, "job-not-open")


def test_a_server_that_is_stopped_does_not_wait_for_open_jobs(start_server):
    server = start_server("--drain-timeout", "20")
    with Client(server) as client:
        open_job(client)
    server.stop()
    assert not any("canceling what has not ended" in line for line in server.log)
