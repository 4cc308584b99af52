"""Jobs that outlive the process: what a server has said holds for the next one on the same `--state-dir`."""

import contextlib
import datetime
import json
import os
import resource
import signal
import sqlite3
import stat
import time

import numpy as np
import pytest

import crashes
import load
import reference
from bodies import json_body, multipart, npz, npz_deflated
from client import BareConnection, Client, assert_problem
from server import eventually, run
from state import DECIDED, RESULTS, results, small_disk, state_directory, wait_for_writes
from test_batches import add, open_job

LABELS, PRED_PROBS = reference.sample(images=4, height=8, width=6)
VOID = np.where(LABELS == 2, 255, LABELS)
BODY = npz(labels=LABELS, pred_probs=PRED_PROBS)
OTHER = npz(labels=LABELS[:1], pred_probs=PRED_PROBS[:1])
ASYNC = {"Prefer": "respond-async"}
ENDS = pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM], ids=lambda each: each.name)
# The arrays' names and order, their form, and the parameters.
CASES = {
    "softmin": (npz, {"labels": LABELS, "pred_probs": PRED_PROBS}, {"temperature": "0.30000000000000004"}),
    "float64 with a void label": (
        multipart,
        {"labels": VOID, "pred_probs": PRED_PROBS.astype(np.float64)},
        {"threshold": "0.25", "ignore_label": "255"},
    ),
    "label issues": (npz_deflated, {"labels": LABELS, "pred_probs": PRED_PROBS}, {"method": "num_pixel_issues"}),
    "label issues of blocks": (
        npz,
        {"labels": VOID, "pred_probs": PRED_PROBS},
        {"method": "num_pixel_issues", "downsample": "2", "ignore_label": "255", "threshold": "0.5"},
    ),
    "probabilities first": (
        npz,
        {"pred_probs": PRED_PROBS.astype(np.float16), "labels": LABELS},
        {"method": "num_pixel_issues"},
    ),
    "a form with probabilities first": (multipart, {"pred_probs": PRED_PROBS, "labels": LABELS}, {}),
    "JSON": (json_body, {"labels": LABELS, "pred_probs": PRED_PROBS}, {"method": "num_pixel_issues"}),
}


@pytest.fixture
def state():
    with state_directory() as state:
        yield state


def score_async(client, body, key=None, **parameters):
    """The path of a job that was accepted."""
    answer = client.score(body, headers=ASYNC | ({"Idempotency-Key": key} if key else {}), **parameters)
    assert answer.status_code == 202, answer.text
    return answer.headers["Location"]


def bring_batches(client, form, arrays, parameters, cuts=(1, 3)):
    """The path of a job that was finished."""
    job = open_job(client, **parameters)
    first = 0
    for count in cuts:
        add(client, job, form(**{name: array[first : first + count] for name, array in arrays.items()}))
        first += count
    assert client.post(f"{job}/finish").status_code == 202
    return job


def succeeded(client, job):
    """The document of a job when it has ended well."""
    document = client.get(f"{job}?wait=30").json()
    assert document["status"] == "succeeded", document
    return document


def seconds(time):
    return datetime.datetime.fromisoformat(time).timestamp()


# What was there stays there


@ENDS
def test_jobs_and_all_their_results_are_byte_for_byte_what_they_were(state, end):
    client = state.start()
    made = {}
    for name, (form, arrays, parameters) in CASES.items():
        body = form(**arrays)
        made[name] = [
            client.scored(body, **parameters)["links"]["self"],
            score_async(client, body, **parameters),
            bring_batches(client, form, arrays, parameters),
        ]
    jobs = [job for jobs in made.values() for job in jobs]
    documents = {job: succeeded(client, job) for job in jobs}
    before = {job: results(client, job) for job in jobs}
    for name, (_, _, parameters) in CASES.items():
        names = RESULTS + (DECIDED if "method" in parameters else [])
        assert all(before[made[name][0]][result][0] == 200 for result in names)
        for job in made[name][1:]:
            assert all(before[job][result] == before[made[name][0]][result] for result in names), name
    listed = client.get("/jobs").content
    state.has_files_only_of(*jobs)

    for _ in range(2):
        client = state.restart(end)
        assert client.get("/jobs").content == listed
        for job in jobs:
            assert client.get(job).json() == documents[job]
            assert results(client, job) == before[job]
        state.has_files_only_of(*jobs)


def test_images_of_several_sizes_stay_what_they_were(state):
    client = state.start()
    job = open_job(client, method="num_pixel_issues")
    for images, height, width in [(2, 8, 6), (1, 5, 9)]:
        labels, pred_probs = reference.sample(images=images, height=height, width=width)
        add(client, job, npz(labels=labels, pred_probs=pred_probs))
    client.post(f"{job}/finish")
    document, before = succeeded(client, job), results(client, job)
    assert document["shape"]["height"] is None
    client = state.restart(signal.SIGKILL)
    assert client.get(job).json() == document and results(client, job) == before


def test_an_upload_that_is_canceled_is_answered_alike_with_a_directory_and_without(state, start_server):
    documents = []
    for client in (Client(start_server()), state.start()):
        with BareConnection(client.server.address) as connection:
            connection.send_body_head(BODY, "Prefer: respond-async")
            connection.send(BODY.data[:100])
            job = eventually(client.job_ids, "the upload's job is listed")[0]
            assert client.post(f"/jobs/{job}/cancel").json()["status"] == "canceled"
            connection.send(BODY.data[100:])
            answer = connection.read()
        assert answer.status_code == 202
        document = json.loads(answer.content)
        documents.append({name: document[name] for name in ("status", "method", "error")})
        assert client.get(f"/jobs/{job}").json()["status"] == "canceled"
    assert documents[0] == documents[1] and documents[0]["status"] == "canceled"
    state.has_files_only_of()


def test_jobs_that_failed_or_were_canceled_stay_so(state):
    client = state.start()
    failed = score_async(client, npz(labels=LABELS + np.uint8(9), pred_probs=PRED_PROBS))
    canceled = open_job(client)
    add(client, canceled, BODY)
    client.post(f"{canceled}/cancel")
    document = client.get(f"{failed}?wait=30").json()
    assert document["error"]["type"] == "urn:segscore:label-out-of-range"
    wait_for_writes(client)
    client = state.restart(signal.SIGKILL)
    assert client.get(failed).json() == document
    assert_problem(client.get(f"{failed}/pixel_scores"), 409, "job-failed")
    assert client.get(canceled).json()["status"] == "canceled"
    assert_problem(client.get(f"{canceled}/pixel_scores"), 409, "job-canceled")
    assert_problem(client.score(BODY, path=f"{canceled}/batches"), 409, "job-not-open")
    assert state.files() == []


def test_a_job_that_was_canceled_says_the_same_of_itself(state):
    client = state.start()
    job = open_job(client)
    add(client, job, BODY)
    client.post(f"{job}/cancel")
    document = client.get(job).json()
    wait_for_writes(client)
    assert state.restart(signal.SIGKILL).get(job).json() == document


def test_a_cursor_from_before_leads_on(state):
    client = state.start()
    made = [client.scored(BODY)["job"] for _ in range(5)]
    first = client.get("/jobs?limit=2").json()
    client = state.restart(signal.SIGKILL)
    newest = client.scored(BODY)["job"]
    second = client.get("/jobs", params={"limit": 2, "cursor": first["next"]}).json()
    third = client.get("/jobs", params={"cursor": second["next"]}).json()
    assert [job["id"] for page in (first, second, third) for job in page["jobs"]] == made[::-1]
    assert client.job_ids() == [newest, *made[::-1]]


def test_nothing_outlives_the_process_without_a_state_directory(start_server, state):
    with Client(start_server()) as client:
        job = client.scored(BODY)["links"]["self"]
        open_job(client)
        client.server.stop()
    with Client(start_server()) as client:
        assert client.job_ids() == []
        assert_problem(client.get(job), 404, "unknown-job")
    assert not state.path.exists()


def test_nobody_else_may_read_what_is_kept(state):
    client = state.start()
    client.scored(BODY)
    for path in [state.path / "arrays", state.path / "jobs.sqlite", *(state.path / "arrays").iterdir()]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path.name


# What was promised is kept


@pytest.mark.parametrize(
    "end, flags", [(signal.SIGKILL, ()), (signal.SIGTERM, ("--drain-timeout", "0"))], ids=["SIGKILL", "SIGTERM"]
)
def test_accepted_jobs_that_had_not_begun_or_ended_are_done_by_the_next_process(state, end, flags):
    client = state.start("--workers", "1", *flags)
    labels, pred_probs = reference.sample(images=1, classes=3, height=1024, width=1024)
    large = npz(labels=labels, pred_probs=pred_probs)
    keeps_busy = open_job(client, method="num_pixel_issues")
    for _ in range(8):
        add(client, keeps_busy, large)
    jobs = {name: open_job(client, **parameters) for name, (_, _, parameters) in CASES.items()}
    for name, (form, arrays, _) in CASES.items():
        add(client, jobs[name], form(**arrays))
    assert client.post(f"{keeps_busy}/finish").status_code == 202
    one_body = {
        name: score_async(client, form(**arrays), **parameters) for name, (form, arrays, parameters) in CASES.items()
    }
    for job in jobs.values():
        assert client.post(f"{job}/finish").status_code == 202
    ended = time.time()

    client = state.restart(end)
    done = [succeeded(client, job) for job in [keeps_busy, *one_body.values(), *jobs.values()]]
    assert any(seconds(document["started_at"]) > ended for document in done), "some had not begun"
    for name, (form, arrays, parameters) in CASES.items():
        path = client.scored(form(**arrays), **parameters)["links"]["self"]
        names = RESULTS + (DECIDED if "method" in parameters else [])
        expected = results(client, path, names)
        assert results(client, one_body[name], names) == expected, name
        assert results(client, jobs[name], names) == expected, name


@ENDS
@pytest.mark.parametrize("method", ["softmin", "num_pixel_issues"])
def test_open_jobs_go_on(state, end, method):
    client = state.start()
    whole = client.scored(BODY, method=method)["links"]["self"]
    job = open_job(client, method=method)
    batches, bodies = [], []
    for index, images in enumerate([slice(0, 1), slice(1, 3), slice(3, 4)]):
        bodies.append(npz(labels=LABELS[images], pred_probs=PRED_PROBS[images]))
        batches.append(add(client, job, bodies[index], key=f"batch {index}"))
        document = client.get(job).json()
        client = state.restart(end)
        assert client.get(job).json() == document
        assert document["status"] == "open" and document["shape"]["images"] == images.stop
        assert [add(client, job, bodies[seen], f"batch {seen}", 200) for seen in range(index + 1)] == batches
        assert_problem(
            client.score(BODY, path=f"{job}/batches", headers={"Idempotency-Key": f"batch {index}"}),
            422,
            "idempotency-key-reused",
        )
    assert [batch["first_image"] for batch in batches] == [0, 1, 3]
    assert_problem(
        client.score(npz(labels=LABELS[:1] * 0, pred_probs=PRED_PROBS[:1, :2]), path=f"{job}/batches"),
        422,
        "batch-mismatch",
    )
    assert client.post(f"{job}/finish").status_code == 202
    succeeded(client, job)
    assert results(client, job, RESULTS) == results(client, whole, RESULTS)
    assert client.delete(job).status_code == client.delete(whole).status_code == 204
    state.has_files_only_of()


@ENDS
def test_a_request_that_comes_again_makes_no_second_job(state, end):
    client = state.start()
    accepted = score_async(client, BODY, key="accepted")
    waited = client.score(BODY, headers={"Idempotency-Key": "waited"})
    bad = npz(labels=LABELS + np.uint8(9), pred_probs=PRED_PROBS)
    failed = score_async(client, bad, key="failed")
    client.get(f"{failed}?wait=30")
    wait_for_writes(client)
    listed = [job for job in client.job_ids() if client.get(f"/jobs/{job}").json()["status"] != "open"]
    client = state.restart(end)
    assert score_async(client, BODY, key="accepted") == accepted
    again = client.score(BODY, headers={"Idempotency-Key": "waited"})
    assert again.status_code == 200 and again.json() == waited.json()
    assert score_async(client, bad, key="failed") == failed
    for key in ("accepted", "waited", "failed"):
        answer = client.score(OTHER, headers={"Idempotency-Key": key} | ASYNC)
        assert_problem(answer, 422, "idempotency-key-reused", "Idempotency-Key")
    assert [job for job in client.job_ids() if client.get(f"/jobs/{job}").json()["status"] != "open"] == listed
    # With its job a key is forgotten.
    client.delete(accepted)
    assert score_async(client, OTHER, key="accepted") != accepted


def test_an_upload_that_was_cut_short_is_a_job_that_failed_and_its_key_is_free(state):
    client = state.start()
    bodies = {
        "npz": BODY,
        "probabilities first": npz(pred_probs=PRED_PROBS, labels=LABELS),
        "form": multipart(labels=LABELS, pred_probs=PRED_PROBS),
    }
    with contextlib.ExitStack() as connections:
        for name, body in [*bodies.items(), ("who waits", BODY)]:
            connection = connections.enter_context(BareConnection(client.server.address))
            prefer = [] if name == "who waits" else ["Prefer: respond-async"]
            connection.send_body_head(body, f"Idempotency-Key: {name}", *prefer)
            connection.send(body.data[: len(body.data) // 2])
        eventually(lambda: len(client.get("/jobs?status=receiving").json()["jobs"]) == 4, "all have begun")
        wait_for_writes(client)
        client = state.restart(signal.SIGKILL)
    failed = client.get("/jobs?status=failed").json()["jobs"]
    assert len(failed) == 3, "who waited was told by the connection"
    assert client.get("/jobs?status=receiving").json()["jobs"] == []
    for job in failed:
        assert job["error"]["type"] == "urn:segscore:upload-interrupted"
        assert_problem(client.get(f"/jobs/{job['id']}/image_scores"), 409, "job-failed")
    assert state.files() == []
    again = {name: score_async(client, OTHER, key=name) for name in bodies}
    assert not set(again.values()) & {f"/jobs/{job['id']}" for job in failed}
    for job in again.values():
        succeeded(client, job)
    # It is told again, and for good.
    client = state.restart(signal.SIGKILL)
    assert client.get("/jobs?status=failed").json()["jobs"] == failed


# What is gone stays gone


def test_deleted_jobs_stay_deleted_and_leave_no_file(state):
    client = state.start()
    jobs = [
        client.scored(BODY)["links"]["self"],
        score_async(client, BODY),
        bring_batches(client, *CASES["label issues"]),
        open_job(client),
    ]
    add(client, jobs[-1], BODY)
    for job in jobs[1:3]:
        succeeded(client, job)
    for job in jobs:
        assert client.delete(job).status_code == 204
    state.has_files_only_of()
    client = state.restart(signal.SIGKILL)
    assert client.job_ids() == [] and state.files() == []


def test_a_deletion_and_a_cancellation_hold_as_soon_as_they_are_answered(state):
    back = []
    client = state.start()
    for _ in range(8):
        canceled, deleted = open_job(client), client.scored(OTHER)["links"]["self"]
        client.post(f"{canceled}/cancel")
        assert client.delete(deleted).status_code == 204
        client = state.restart(signal.SIGKILL)
        back += [deleted] if client.get(deleted).status_code != 404 else []
        back += [canceled] if client.get(canceled).json()["status"] != "canceled" else []
    assert back == []


def test_results_expire_across_restarts(state):
    flags = ("--result-ttl", "0.8")
    client = state.start(*flags)
    job = client.scored(BODY)["links"]["self"]
    expires_at = client.get(job).json()["expires_at"]
    client = state.restart(signal.SIGKILL, *flags)
    assert client.get(f"{job}/pixel_scores").status_code == 200, "its time is not over yet"
    assert client.get(job).json()["expires_at"] == expires_at
    eventually(lambda: client.get(f"{job}/pixel_scores").status_code == 410, "it expires in time")
    state.has_files_only_of()
    other = score_async(client, BODY)
    over = seconds(succeeded(client, other)["expires_at"])
    state.end(signal.SIGKILL)
    assert state.files() != []
    eventually(lambda: time.time() > over, "its time is over while no server runs")
    client = state.start(*flags)
    for path in (job, other):
        assert_problem(client.get(f"{path}/image_scores"), 410, "result-expired")
        assert client.get(path).json()["status"] == "succeeded"
    state.has_files_only_of()


def test_kept_results_take_no_more_of_the_disk_than_they_may(state):
    body = load.even_body(2, 256)
    client = state.start("--result-disk", "2MiB")
    jobs = [client.scored(body)["links"]["self"] for _ in range(12)]

    eventually(lambda: state.size_of_files() <= 2 << 20, "the oldest have made room")
    kept = [job for job in jobs if client.get(f"{job}/pixel_scores").status_code == 200]
    assert kept == jobs[-len(kept) :] and len(kept) > 1
    assert_problem(client.get(f"{jobs[0]}/pixel_scores"), 410, "result-expired")
    state.has_files_only_of(*kept)
    client = state.restart(signal.SIGKILL, "--result-disk", "1MiB")
    eventually(lambda: state.size_of_files() <= 1 << 20, "there is less room now")
    fewer = [job for job in kept if client.get(f"{job}/pixel_scores").status_code == 200]
    assert fewer == kept[-len(fewer) :] and 0 < len(fewer) < len(kept)


def test_files_of_no_job_are_removed(state):
    client = state.start()
    job = client.scored(BODY)["links"]["self"]
    state.end(signal.SIGKILL)
    for name in ("0" * 32 + "-0.pixels", f"{job.removeprefix('/jobs/')}-7.scores"):
        (state.path / "arrays" / name).write_bytes(b"left")
    client = state.start()
    assert len(state.files()) == 2
    state.has_files_only_of(job)
    assert client.get(f"{job}/pixel_scores").status_code == 200


def test_jobs_whose_files_are_gone_say_so_and_others_are_as_they_were(state):
    client = state.start()
    done, well = (client.scored(BODY)["links"]["self"] for _ in range(2))
    taking = open_job(client)
    add(client, taking, BODY)
    state.end(signal.SIGKILL)
    for path in (state.path / "arrays").iterdir():
        if not path.name.startswith(well.removeprefix("/jobs/")):
            path.unlink() if path.suffix == ".pixels" else path.write_bytes(b"short")
    client = state.start()
    assert_problem(client.get(f"{done}/image_scores"), 410, "result-expired")
    assert client.get(taking).json()["error"]["type"] == "urn:segscore:state-lost"
    assert client.get(f"{well}/image_scores").status_code == 200
    state.has_files_only_of(well)


def test_results_that_had_room_have_it_still_after_a_restart():
    with small_disk(7 << 20) as disk:
        if disk is None:
            pytest.skip("a file system can be mounted by root only")
        with state_directory(disk.path) as state:
            client = state.start()
            jobs = [client.scored(load.even_body(2, 256))["links"]["self"] for _ in range(4)]
            assert [client.get(f"{job}/pixel_scores").status_code for job in jobs] == [200] * 4
            client = state.restart(signal.SIGTERM)
            assert [client.get(f"{job}/pixel_scores").status_code for job in jobs] == [200] * 4


@pytest.mark.parametrize("durable", [False, True], ids=["in memory", "on disk"])
def test_results_are_kept_until_their_time_is_over_however_many(state, start_server, durable):
    # Small jobs, and more than any number that was ever built in.
    with Client(start_server()) if not durable else contextlib.nullcontext(state.start()) as client:
        jobs = []
        while len(jobs) < 1300:
            answer = client.post("/score", json={"labels": [[[0]]], "pred_probs": [[[[0.5]], [[0.5]]]]}, headers=ASYNC)
            if answer.status_code == 202:
                jobs.append(answer.headers["Location"])
            else:
                # All places are taken: the oldest that waits is about to run.
                assert_problem(answer, 503, "at-capacity")
                client.get(f"{jobs[-64]}?wait=30")
        succeeded(client, jobs[-1])
        assert [client.get(f"{job}/image_scores").status_code for job in jobs] == [200] * len(jobs)
        if durable:
            client = state.restart(signal.SIGKILL)
            assert [client.get(f"{job}/image_scores").status_code for job in jobs] == [200] * len(jobs)


@pytest.mark.parametrize("file", ["pixels", "scores"])
def test_results_that_were_changed_are_never_answered(state, file):
    client = state.start()
    job, other = (client.scored(BODY)["links"]["self"] for _ in range(2))
    state.end()
    path = state.path / "arrays" / f"{job.removeprefix('/jobs/')}-0.{file}"
    data = bytearray(path.read_bytes())
    data[8:12] = np.float32("nan").tobytes()
    path.write_bytes(data)
    client = state.start()
    for accept in ("image/png", "application/json", "application/x-npy"):
        assert_problem(client.get(f"{job}/pixel_scores?image=0", headers={"Accept": accept}), 409, "job-failed")
    document = client.get(job).json()
    assert document["status"] == "failed" and document["error"]["type"] == "urn:segscore:state-lost"
    assert "does not hold what was written" in document["error"]["detail"]
    assert client.get(f"{other}/pixel_scores").status_code == 200
    state.has_files_only_of(other)


def test_results_that_are_cut_off_while_they_are_mapped_end_no_process(state):
    client = state.start()
    labels, pred_probs = reference.sample(images=2, height=128, width=128)
    job, other = (client.scored(npz(labels=labels, pred_probs=pred_probs))["links"]["self"] for _ in range(2))
    for path in state.path.glob(f"arrays/{job.removeprefix('/jobs/')}-*"):
        os.truncate(path, 0)
    assert_problem(client.get(f"{job}/pixel_scores", headers={"Accept": "application/json"}), 500, "state-lost")
    assert client.get(job).json()["error"]["type"] == "urn:segscore:state-lost"
    assert client.get(f"{other}/pixel_scores").status_code == 200
    state.has_files_only_of(other)


def test_an_accepted_job_waits_for_memory(state):
    client = state.start("--workers", "1")
    labels, pred_probs = reference.sample(images=1, classes=3, height=1024, width=1024)
    large = npz(labels=labels, pred_probs=pred_probs.astype(np.float16))
    jobs = [score_async(client, large, method="num_pixel_issues") for _ in range(2)]
    client = state.restart(signal.SIGKILL, "--workers", "1", "--memory-budget", "1MiB")
    # Done before the process was killed, or waiting; not failed.
    waiting = [job for job in jobs if client.get(f"{job}?wait=3").json()["status"] != "succeeded"]
    assert all(client.get(job).json()["status"] in ("queued", "running") for job in waiting)
    client = state.restart(signal.SIGKILL, "--workers", "1")
    for job in jobs:
        succeeded(client, job)
    assert waiting, "both were done at once"


# Directories that cannot be used


def test_a_second_server_is_refused(state):
    client = state.start()
    job = client.scored(BODY)["links"]["self"]
    done = run("serve", "--listen", "127.0.0.1:0", "--state-dir", state.path)
    assert done.returncode == 64 and "Another server uses the state directory" in done.stderr
    assert client.get(f"{job}/image_scores").status_code == 200
    assert client.scored(BODY)
    state.has_files_only_of(*(f"/jobs/{job}" for job in client.job_ids()))


def test_a_database_that_is_none_is_named_and_not_touched(state):
    (state.path / "arrays").mkdir(parents=True)
    garbage = {
        state.path / "jobs.sqlite": os.urandom(20000),
        state.path / "arrays/x.pixels": b"something",
        state.path / "lock": b"",
    }
    for path, data in garbage.items():
        path.write_bytes(data)
    done = run("serve", "--listen", "127.0.0.1:0", "--state-dir", state.path)
    assert done.returncode == 64 and "jobs.sqlite" in done.stderr and "not a database" in done.stderr
    assert all(path.read_bytes() == data for path, data in garbage.items())
    assert {path.name for path in state.path.iterdir()} == {"arrays", "jobs.sqlite", "lock"}


@pytest.mark.parametrize(
    "path, reason",
    [
        ("/dev/null/state", "Not a directory"),
        ("/dev/null", "File exists"),
        ("/proc/state", "No such file or directory"),
    ],
)
def test_what_cannot_be_a_directory_is_named_with_the_systems_reason(path, reason):
    done = run("serve", "--listen", "127.0.0.1:0", "--state-dir", path)
    assert done.returncode == 64 and path in done.stderr and reason in done.stderr


@pytest.mark.parametrize(
    "names", [["letter.txt"], ["labels.npy", "arrays/pred_probs.npy"], ["arrays/pred_probs.npy"]], ids=" ".join
)
def test_a_directory_of_anothers_is_refused_and_not_touched(state, names):
    for name in names:
        (state.path / name).parent.mkdir(parents=True, exist_ok=True)
        (state.path / name).write_bytes(b"dear")
    done = run("serve", "--listen", "127.0.0.1:0", "--state-dir", state.path)
    assert done.returncode == 64 and names[0] in done.stderr and "is not segscore's" in done.stderr
    files = [path for path in state.path.rglob("*") if path.is_file()]
    assert sorted(files) == sorted(state.path / name for name in names)


def test_files_that_are_not_ours_stay_among_ours(state):
    client = state.start()
    job = client.scored(BODY)["links"]["self"]
    state.end()
    for name in ("arrays/pred_probs.npy", "arrays/x.pixels", "notes"):
        (state.path / name).write_bytes(b"dear")
    client = state.start()
    assert client.delete(job).status_code == 204
    state.end()
    state.start()
    assert state.files() == ["pred_probs.npy", "x.pixels"] and (state.path / "notes").exists()


def test_files_of_a_lost_database_are_put_aside(state):
    client = state.start()
    client.scored(BODY)
    names = state.files()
    state.end(signal.SIGKILL)
    (state.path / "jobs.sqlite").unlink()
    client = state.start()
    assert client.job_ids() == [] and client.scored(BODY)
    assert set(names) < {path.name for path in (state.path / "lost").iterdir()} and len(names) == 2
    assert client.server.wait_for_log("were put aside")


def test_a_database_that_is_cut_off_is_not_touched(state):
    client = state.start()
    for _ in range(20):
        client.scored(OTHER)
    state.end()
    path = state.path / "jobs.sqlite"
    data = path.read_bytes()[:-8192]
    path.write_bytes(data)
    files = state.files()
    done = run("serve", "--listen", "127.0.0.1:0", "--state-dir", state.path)
    assert done.returncode == 64 and "jobs.sqlite" in done.stderr
    assert path.read_bytes() == data and state.files() == files


def test_the_directory_of_a_later_version_is_refused(state):
    job = state.start().scored(BODY)["links"]["self"]
    state.end()
    database = sqlite3.connect(state.path / "jobs.sqlite")
    with database:
        database.execute("INSERT INTO grdb_migrations VALUES ('from the future')")
    database.close()
    done = run("serve", "--listen", "127.0.0.1:0", "--state-dir", state.path)
    assert done.returncode == 64 and "A later version of segscore has written" in done.stderr
    database = sqlite3.connect(state.path / "jobs.sqlite")
    with database:
        database.execute("DELETE FROM grdb_migrations WHERE identifier = 'from the future'")
    database.close()
    assert state.start().get(f"{job}/image_scores").status_code == 200


@pytest.mark.parametrize(
    "flags, sentence",
    [
        (("--result-disk", "1MiB"), "--result-disk needs a --state-dir."),
        (("--state-dir", "x", "--result-memory", "1MiB"), "with --state-dir there is --result-disk."),
    ],
    ids=["disk without directory", "memory with directory"],
)
def test_flags_that_do_not_go_together_are_refused(flags, sentence):
    done = run("serve", *flags)
    assert done.returncode == 64 and sentence in done.stderr


# Disks that are full


def refused(client, opened, disk, key=None):
    """Checks that nothing that needs room can be promised while the disk is full, and that all else goes on."""
    headers = {"Idempotency-Key": key} if key else {}
    for answer in (
        client.score(BODY),
        client.score(BODY, headers=ASYNC | headers),
        client.score(OTHER, path=f"{opened}/batches"),
    ):
        assert_problem(answer, 507, "state-full")
    if disk.path is None:
        # Not even a row can be written, for which there is some room put by on a disk.
        for answer in client.post("/jobs"), client.post(f"{opened}/finish"):
            assert_problem(answer, 507, "state-full")
    # There is room put by for what becomes of jobs, unless no file may grow at all.
    ready = client.get("/readyz")
    assert ready.status_code == 200 if disk.path else assert_problem(ready, 503, "state-unwritable")


def write_something(client):
    """Has the server find that there is room, and make up for what it could not write."""
    assert client.delete(client.scored(OTHER)["links"]["self"]).status_code == 204


def test_a_full_disk_refuses_the_request_at_hand_and_nothing_else(full):
    disk, state = full
    client = state.start("--result-disk", "1GiB", file_size_limit=resource.RLIM_INFINITY)
    job, opened = client.scored(BODY)["links"]["self"], open_job(client)
    add(client, opened, BODY, key="first")
    before, listed = results(client, job), client.job_ids()
    disk.fill(client.server)
    refused(client, opened, disk, key="again")
    assert results(client, job) == before and client.job_ids() == listed
    state.has_files_only_of(job, opened)
    assert add(client, opened, BODY, key="first", status=200)["batch"] == 0

    disk.make_room(client.server)
    assert client.scored(BODY)
    # What was refused is as if it had never been sent: the key is free, the batch is not in, the job is not finished.
    accepted = score_async(client, OTHER, key="again")
    assert add(client, opened, OTHER)["batch"] == 1
    assert client.post(f"{opened}/finish").status_code == 202
    assert succeeded(client, opened)["shape"]["images"] == 5
    succeeded(client, accepted)
    client = state.restart(signal.SIGKILL)
    assert results(client, job) == before
    assert client.get(opened).json()["status"] == client.get(accepted).json()["status"] == "succeeded"


def test_a_request_that_was_refused_for_want_of_room_is_no_job_of_the_next_process(full):
    disk, state = full
    client = state.start(file_size_limit=resource.RLIM_INFINITY)
    with BareConnection(client.server.address) as connection:
        connection.send_body_head(BODY, "Prefer: respond-async")
        connection.send(BODY.data[:100])
        eventually(lambda: client.job_ids(), "it has begun")
        disk.fill(client.server)
        connection.send(BODY.data[100:])
        assert_problem(connection.read(), 507, "state-full")
    assert client.job_ids() == []
    disk.make_room(client.server)
    write_something(client)
    assert state.restart(signal.SIGKILL).job_ids() == []


def test_an_accepted_job_succeeds_without_room_and_is_done_again_by_the_next_process(full):
    disk, state = full
    client = state.start("--result-disk", "1GiB", file_size_limit=resource.RLIM_INFINITY)
    labels, pred_probs = reference.sample(images=1, classes=3, height=1024, width=1024)
    body = npz(labels=labels, pred_probs=pred_probs)
    known = client.scored(body, method="num_pixel_issues")["links"]["self"]
    expected = results(client, known)
    client.delete(known)
    job = open_job(client, method="num_pixel_issues")
    add(client, job, body)
    disk.fill(client.server, leaving=512 << 10)  # For the database, and not for what is made of a million pixels.
    assert client.post(f"{job}/finish").status_code == 202
    succeeded(client, job)
    client.server.wait_for_log("results are kept in memory")
    assert results(client, job) == expected
    disk.make_room(client.server)
    client = state.restart(signal.SIGKILL)
    succeeded(client, job)
    assert results(client, job) == expected


def test_a_server_starts_on_a_full_disk(full):
    disk, state = full
    if disk.path is None:
        pytest.skip("of files that may not grow the start is another matter")
    client = state.start("--result-disk", "1GiB")
    job = client.scored(BODY)["links"]["self"]
    before = results(client, job)
    state.end(signal.SIGKILL)
    disk.fill()
    client = state.start("--result-disk", "1GiB")
    assert results(client, job) == before
    assert_problem(client.score(BODY), 507, "state-full")
    disk.make_room()
    assert client.scored(BODY)


def test_deleting_jobs_makes_room(full):
    disk, state = full
    client = state.start("--result-disk", "1GiB", file_size_limit=resource.RLIM_INFINITY)
    jobs = [client.scored(load.even_body(2, 128))["links"]["self"] for _ in range(4)]
    disk.fill(client.server)
    assert_problem(client.score(BODY), 507, "state-full")
    for job in jobs:
        # It is gone either way; but where it cannot be taken down the next process may know it again.
        assert client.delete(job).status_code == (204 if disk.path else 507)
    state.has_files_only_of()
    if disk.path is None:
        disk.make_room(client.server)
    write_something(client)
    assert state.restart(signal.SIGKILL).job_ids() == []


def test_jobs_that_are_gone_take_no_room():
    with small_disk(1 << 20) as disk:
        if disk is None:
            pytest.skip("a file system can be mounted by root only")
        with state_directory(disk.path) as state:
            client = state.start("--result-disk", "1MiB")
            for _ in range(60):
                job = open_job(client)
                assert client.delete(job).status_code == 204


def test_what_is_answered_200_is_kept_or_refused(state):
    client = state.start(file_size_limit=resource.RLIM_INFINITY)
    client.scored(OTHER)
    # Arrays are far smaller than the database's log, which has room for a change or two.
    limit = (state.path / "jobs.sqlite-wal").stat().st_size + 8192
    resource.prlimit(client.server.process.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    answers = [client.score(OTHER) for _ in range(6)]
    kept = [answer.headers["Location"] for answer in answers if answer.status_code == 200]
    state.has_files_only_of(*client.job_ids())
    client = state.restart(signal.SIGKILL)
    assert [client.get(f"{job}/image_scores").status_code for job in kept] == [200] * len(kept)
    for answer in answers[len(kept) :]:
        assert_problem(answer, 507, "state-full")


# Killed again and again


def test_nothing_that_was_promised_is_lost_to_crashes(state, start_server):
    with Client(start_server()) as plain:
        report = crashes.run(state, plain, rounds=6, seed=1, longest=0.3)
    print(f"\n{report}")
    assert report.wrong == []
    assert report.returned == []
    assert report.accepted > 0 and report.kills >= 6
