"""Jobs belong to the key that they were made with: other keys know nothing of them, and overseers see all."""

import signal
import sqlite3

import numpy as np
import pytest

import inference
import reference
from access import key_fields
from bodies import npz
from client import Client, assert_problem
from server import eventually
from state import state_directory

LABELS, PRED_PROBS = reference.sample(images=2)
GOOD = npz(labels=LABELS, pred_probs=PRED_PROBS)
OTHER = npz(labels=LABELS[:1], pred_probs=PRED_PROBS[:1])
ALICE, BOB, EVE = ("alices-key-0123456789", "bobs-key-0123456789", "overseers-key-0123456789")
TEAM, TEAM_NEW = ("teams-old-key-0123456789", "teams-new-key-0123456789")
FILE = f"{ALICE}\n{BOB}\n{EVE} overseer\n{TEAM} name=team\n{TEAM_NEW}\tname=team\n"
OF_JOBS = [
    ("GET", ""),
    ("DELETE", ""),
    ("POST", "/cancel"),
    ("POST", "/batches"),
    ("POST", "/finish"),
    ("GET", "/events"),
    ("GET", "/image_scores"),
    ("GET", "/pixel_scores"),
    ("GET", "/issues"),
    ("GET", "/label_issues"),
    ("GET", "/ranking"),
    ("GET", "/statistics"),
    ("GET", "/summary"),
    ("GET", "/names"),
    ("GET", "?wait=1"),
]


@pytest.fixture(scope="module")
def key_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("keys") / "keys"
    path.write_text(FILE)
    return path


def client_of(server, key):
    client = Client(server)
    client.headers.update(key_fields(key))
    return client


@pytest.fixture(scope="module")
def clients(start_server, key_file):
    server = start_server("--api-key-file", key_file)
    return {key: client_of(server, key) for key in (ALICE, BOB, EVE, TEAM, TEAM_NEW)}


def made(client, how):
    """The path of a job that a client makes."""
    if how == "score":
        return client.score(GOOD, method="num_pixel_issues").headers["Location"]
    if how == "async":
        return client.score(GOOD, headers={"Prefer": "respond-async"}).headers["Location"]
    if how == "open":
        return client.post("/jobs").headers["Location"]
    labels = inference.json_request(LABELS, PRED_PROBS) if hasattr(inference, "json_request") else None
    body = labels or {
        "inputs": [
            {"name": "labels", "shape": LABELS.shape, "datatype": "INT64", "data": LABELS.ravel().tolist()},
            {
                "name": "pred_probs",
                "shape": PRED_PROBS.shape,
                "datatype": "FP64",
                "data": PRED_PROBS.astype(np.float64).ravel().tolist(),
            },
        ]
    }
    answer = client.post("/v2/models/segscore/infer", json=body)
    assert answer.status_code == 200, answer.text
    return f"/jobs/{answer.json()['parameters']['job']}"


HOWS = ["score", "async", "open", "inference"]


@pytest.mark.parametrize("how", HOWS)
def test_other_keys_know_nothing_of_a_job(clients, how):
    path = made(clients[ALICE], how)
    for method, resource in OF_JOBS:
        answer = clients[BOB].request(method, path + resource)
        assert_problem(answer, 404, "unknown-job")
        unknown = clients[BOB].request(method, "/jobs/" + "0" * 32 + resource)
        assert answer.json() | {"detail": "", "actual": ""} == unknown.json() | {"detail": "", "actual": ""}
    assert path.removeprefix("/jobs/") not in clients[BOB].job_ids()
    assert path.removeprefix("/jobs/") in clients[ALICE].job_ids()
    assert clients[ALICE].get(path).status_code == 200
    assert clients[ALICE].delete(path).status_code == 204


@pytest.mark.parametrize("how", HOWS)
def test_an_overseer_sees_and_ends_all_jobs(clients, how):
    paths = [made(clients[key], how) for key in (ALICE, BOB)]
    assert {path.removeprefix("/jobs/") for path in paths} <= set(clients[EVE].job_ids())
    for path in paths:
        assert clients[EVE].get(path).status_code == 200
        assert clients[EVE].delete(path).status_code == 204
    assert clients[ALICE].get(paths[0]).status_code == 404


def test_keys_of_one_name_have_their_jobs_in_common(clients):
    path = made(clients[TEAM], "score")
    assert clients[TEAM_NEW].get(path).status_code == 200
    assert_problem(clients[ALICE].get(path), 404, "unknown-job")
    assert clients[TEAM].job_ids() == clients[TEAM_NEW].job_ids()


def test_pages_of_a_list_hold_ones_own_jobs_alone(clients):
    mine = []
    for _ in range(5):
        mine.insert(0, made(clients[ALICE], "score").removeprefix("/jobs/"))
        made(clients[BOB], "score")
    seen, target = [], "/jobs?limit=2"
    while target:
        page = clients[ALICE].get(target).json()
        seen += [job["id"] for job in page["jobs"]]
        target = page["next"] and f"/jobs?limit=2&cursor={page['next']}"
    assert seen[:5] == mine and seen == clients[ALICE].job_ids()


def test_idempotency_keys_are_ones_own(clients):
    fields = {"Idempotency-Key": "the same"}
    first = clients[ALICE].score(GOOD, headers=fields)
    other = clients[BOB].score(OTHER, headers=fields)
    assert first.status_code == other.status_code == 200
    assert first.headers["Location"] != other.headers["Location"]
    assert clients[ALICE].score(GOOD, headers=fields).headers["Location"] == first.headers["Location"]
    assert clients[EVE].score(GOOD, headers=fields).headers["Location"] not in (
        first.headers["Location"],
        other.headers["Location"],
    )


def test_owners_outlive_the_process(key_file):
    with state_directory() as state:
        server = state.start("--api-key-file", key_file).server
        fields = {"Idempotency-Key": "the same"}
        alice, bob = client_of(server, ALICE), client_of(server, BOB)
        first = alice.score(GOOD, headers=fields).headers["Location"]
        opened = made(bob, "open")
        server = state.restart(signal.SIGKILL, "--api-key-file", key_file).server
        alice, bob, eve = (client_of(server, key) for key in (ALICE, BOB, EVE))
        assert alice.get(first).status_code == 200 and bob.get(opened).status_code == 200
        assert_problem(bob.get(first), 404, "unknown-job")
        assert_problem(alice.get(opened), 404, "unknown-job")
        assert sorted(eve.job_ids()) == sorted(path.removeprefix("/jobs/") for path in (first, opened))
        assert alice.score(GOOD, headers=fields).headers["Location"] == first
        assert bob.score(OTHER, headers=fields).status_code == 200
        # Nothing there tells a key.
        for path in state.path.rglob("*"):
            if path.is_file():
                assert not any(key.encode() in path.read_bytes() for key in (ALICE, BOB, EVE))
        # Where nobody needs a key, all jobs are everyone's.
        server = state.restart(signal.SIGTERM).server
        assert Client(server).get(first).status_code == 200


def test_jobs_of_before_there_were_owners_are_shown_to_overseers(key_file):
    with state_directory() as state:
        server = state.start().server
        path = Client(server).score(GOOD).headers["Location"]
        state.end()
        with sqlite3.connect(state.path / "jobs.sqlite") as database:
            # As an earlier version has left it.
            database.execute("ALTER TABLE job DROP COLUMN owner")
            database.execute("ALTER TABLE part DROP COLUMN fingerprint")
            database.execute("DELETE FROM grdb_migrations WHERE identifier IN ('owner', 'fingerprints of batches')")
        database.close()
        server = state.start("--api-key-file", key_file).server
        assert_problem(client_of(server, ALICE).get(path), 404, "unknown-job")
        assert client_of(server, ALICE).job_ids() == []
        assert client_of(server, EVE).get(path).json()["status"] == "succeeded"
        server = state.restart(signal.SIGTERM).server
        assert Client(server).get(path).json()["status"] == "succeeded"
        assert eventually(lambda: Client(server).get(f"{path}/image_scores").status_code == 200, "scores are kept")
