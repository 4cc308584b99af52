"""Servers that are killed at each step of what they do to a state directory.

The next start always works, and owes what was promised.
"""

import contextlib
import errno
import json
import pathlib
import shutil
import signal
import subprocess

import pytest
import requests

import faults
import reference
from bodies import npz
from client import Client, assert_problem
from server import BINARY, PATIENCE, Server, environment, eventually
from state import state_directory

STATES = pathlib.Path(__file__).parent / "states"
LABELS, PRED_PROBS = reference.sample(images=2, height=8, width=6)
BODY = npz(labels=LABELS, pred_probs=PRED_PROBS)
ASYNC = {"Prefer": "respond-async"}
# Writes end half done, and everything else just before it is done. Files that are only opened change nothing.
STEP = {"kinds": faults.CHANGES, "action": faults.KILL_HALFWAY}


@pytest.fixture
def state():
    with state_directory() as state:
        yield state


def start(state, fault):
    """Starts a server that may be killed as it starts; returns whether it was."""
    command = [BINARY, "serve", "--listen", "127.0.0.1:0", "--spool-dir", state.spool, "--state-dir", state.path]
    with subprocess.Popen(
        list(map(str, command)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(fault.environment),
    ) as process:
        try:
            lines = []
            for line in process.stderr:
                lines.append(line)
                if "listening" in line:
                    return False
            assert process.wait(PATIENCE) == -signal.SIGKILL, "".join(lines)
            return True
        finally:
            process.kill()


def next_step(step, hits):
    """The step after this one; of many writes in a row to one file not each."""
    return step + (7 if len(hits) > 3 and len(set(hits[-3:])) == 1 else 1)


def killed_at_each_step_of_the_start(state, prepare, check):
    """How many steps there are until a server listens that finds what `prepare` leaves."""
    with faults.faults(state.path) as fault:
        step, hits = 0, []
        while step < 1000:
            shutil.rmtree(state.path, ignore_errors=True)
            prepare()
            fault.arm(at=step, **STEP)
            if not start(state, fault):
                # What comes from here on, a job that was waiting perhaps, is no part of the start.
                return step
            fault.disarm()
            hits.append(fault.hit)
            check(fault.hit)
            step = next_step(step, hits)
    raise AssertionError("the server never listens")


def test_a_server_that_is_killed_as_it_makes_its_directory_is_followed_by_another(state):
    def check(hit):
        client = state.start()
        assert client.scored(BODY), hit
        state.end(signal.SIGKILL)

    assert killed_at_each_step_of_the_start(state, lambda: None, check) > 15


@pytest.mark.parametrize("name", sorted(path.name for path in STATES.iterdir()))
def test_a_server_that_is_killed_as_it_takes_up_a_directory_is_followed_by_another(state, name):
    expected = json.loads((STATES / name / "expected.json").read_text())

    def check(hit):
        client = state.start()
        for job in [*expected["kept"], *expected["queued"]]:
            assert client.get(f"{job}?wait=30").json()["status"] == "succeeded", hit
            assert client.get(f"{job}/image_scores").status_code == 200, hit
        for job in expected["open"]:
            assert client.get(job).json()["status"] == "open", hit
        state.end(signal.SIGKILL)

    assert (
        killed_at_each_step_of_the_start(state, lambda: shutil.copytree(STATES / name / "state", state.path), check) > 5
    )


def use(client, promised):
    """Makes jobs of all kinds, and writes down what was answered as soon as it was: what each job owes from then on."""
    job = client.scored(BODY)["links"]["self"]
    promised[job] = {"succeeded"}
    answer = client.score(BODY, headers=ASYNC, method="num_pixel_issues")
    promised[answer.headers["Location"]] = {"queued", "running", "succeeded"}
    opened = client.post("/jobs").headers["Location"]
    promised[opened] = {"open"}
    for batch in range(2):
        answer = client.score(BODY, path=f"{opened}/batches", headers={"Idempotency-Key": str(batch)})
        assert answer.status_code == 201
        promised[f"{opened} batches"] = batch + 1
    # From here on the job may be finished without anybody being told.
    promised[opened] = {"open", "queued", "running", "succeeded"}
    assert client.post(f"{opened}/finish").status_code == 202
    promised[opened] = {"queued", "running", "succeeded"}
    assert client.get(f"{opened}?wait=30").json()["status"] == "succeeded"
    promised[opened] = {"succeeded"}
    promised[job] = {"succeeded", None}
    assert client.delete(job).status_code == 204
    promised[job] = {None}
    canceled = client.post("/jobs").headers["Location"]
    promised[canceled] = {"open", "canceled"}
    assert client.post(f"{canceled}/cancel").status_code == 200
    promised[canceled] = {"canceled"}
    # One that the end of the server finds waiting.
    promised[client.score(BODY, headers=ASYNC).headers["Location"]] = {"queued", "running", "succeeded"}


def owed(client, promised, hit):
    """Proves that a server keeps what another has promised."""
    for job, statuses in promised.items():
        if job.endswith("batches"):
            continue
        answer = client.get(job)
        status = answer.json()["status"] if answer.status_code == 200 else None
        assert status in statuses, (hit, job, status)
        if status in ("queued", "running"):
            assert client.get(f"{job}?wait=30").json()["status"] == "succeeded", hit
        if status == "open" and (batches := promised.get(f"{job} batches")):
            for batch in range(batches):
                answer = client.score(BODY, path=f"{job}/batches", headers={"Idempotency-Key": str(batch)})
                assert (answer.status_code, answer.json()["batch"]) == (200, batch), hit


def test_a_server_that_is_killed_at_work_or_as_it_stops_is_followed_by_another(state):
    with faults.faults(state.path) as fault:
        step, hits = 0, []
        while step < 1000:
            shutil.rmtree(state.path, ignore_errors=True)
            server = Server(state.spool, "--state-dir", state.path, env=fault.environment)
            promised = {}
            fault.arm(at=step, **STEP)
            with Client(server) as client, contextlib.suppress(requests.ConnectionError):
                use(client, promised)
                server.terminate()
            status = server.process.wait(PATIENCE)
            server.stop()
            fault.disarm()
            if status == 0:
                assert not fault.hits and step > 30
                return
            assert status == -signal.SIGKILL and fault.hits, server.log
            hits.append(fault.hit)
            owed(state.start(), promised, fault.hit)
            state.end(signal.SIGKILL)
            step = next_step(step, hits)
    raise AssertionError("the server never stops")


# Disks that fail


@pytest.mark.parametrize("number", range(5))
def test_what_was_answered_500_is_not_there_after_a_restart(state, number):
    with faults.faults(state.path) as fault:
        client = state.start(env=fault.environment)
        kept = client.scored(BODY)["job"]
        fault.arm(faults.SYNC, at=number, error=errno.EIO)
        answer = client.score(BODY, headers={"Idempotency-Key": "a"})
        fault.disarm()
        # Those of two files, their folder and the log of the database; the fifth never comes.
        assert answer.status_code == (500 if number < 4 else 200), fault.hit
        wanted = [kept] if number < 4 else [answer.json()["job"], kept]
        assert client.job_ids() == wanted
        state.end(signal.SIGKILL)
    client = state.start()
    assert client.job_ids() == wanted
    state.has_files_only_of(*wanted)
    assert client.score(BODY, headers={"Idempotency-Key": "a"}).status_code == 200


def test_a_server_says_that_it_is_not_ready_while_no_commit_works(state):
    with faults.faults(state.path) as fault:
        client = state.start(env=fault.environment)
        assert client.get("/readyz").status_code == 200
        fault.arm(faults.SYNC, at=3, error=errno.EIO, times=1 << 60)
        assert_problem(client.score(BODY), 500, "internal-error")
        assert_problem(client.get("/readyz"), 503, "state-unwritable")
        fault.disarm()
        eventually(lambda: client.get("/readyz").status_code == 200, "it is ready again")
        assert client.scored(BODY)


@pytest.mark.parametrize("end", ["delete", "cancel"])
def test_the_end_of_a_job_is_on_the_disk_when_it_is_answered(state, end):
    done = 204 if end == "delete" else 200
    with faults.faults(state.path) as fault:
        client = state.start(env=fault.environment)
        for kind, error, status in [
            (faults.SYNC, None, done),
            (faults.SYNC, errno.EIO, 500),
            (faults.WRITE, errno.ENOSPC, 507),
        ]:
            job = client.post("/jobs").headers["Location"]
            fault.count(kind) if error is None else fault.arm(kind, error=error, times=1 << 60)
            answer = client.delete(job) if end == "delete" else client.post(f"{job}/cancel")
            seen = fault.seen
            fault.disarm()
            assert seen >= 1
            assert answer.status_code == status
            eventually(lambda: client.get("/readyz").status_code == 200, "it is ready again")
