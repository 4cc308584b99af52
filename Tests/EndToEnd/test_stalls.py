"""Whatever one request has to wait for, others are answered meanwhile: threads that read and write wait for nobody."""

import concurrent.futures
import contextlib

import pytest

import faults
import reference
from bodies import npz
from client import BareConnection, Client
from server import eventually
from state import state_directory

LABELS, PRED_PROBS = reference.sample(images=2, height=8, width=6, classes=3)
BODY = npz(labels=LABELS, pred_probs=PRED_PROBS)


@pytest.fixture
def slow():
    """A server of one thread over a disk whose syncs can be held."""
    with state_directory() as state, faults.faults(state.path) as fault:
        client = state.start("--threads", "1", "--workers", "2", env=fault.environment)
        yield fault, client.server, client
        fault.disarm()
        state.end()


@contextlib.contextmanager
def held(fault, server, *requests):
    """Has requests wait for the disk, each from a client of its own; yields their answers to come."""

    def send(request):
        with Client(server) as client:
            return request(client)

    with concurrent.futures.ThreadPoolExecutor(len(requests)) as threads, fault.hold():
        answers = [threads.submit(send, request) for request in requests]
        eventually(lambda: fault.hits > 0, "a sync is held")
        yield answers
        assert not any(answer.done() for answer in answers)


def answers_meanwhile(client):
    """Asks what needs no disk, over old connections and new ones."""
    for path in ["/livez", "/jobs", "/metrics", "/version"]:
        assert client.get(path).status_code == 200
        with Client(client.server) as other:
            assert other.get(path).status_code == 200


def test_others_are_answered_while_jobs_are_opened(slow):
    fault, server, client = slow
    with held(fault, server, *[lambda client: client.post("/jobs")] * 6) as answers:
        answers_meanwhile(client)
    assert [answer.result().status_code for answer in answers] == [201] * 6


def test_others_are_answered_while_a_batch_is_added(slow):
    fault, server, client = slow
    job = client.post("/jobs").headers["Location"]
    with held(fault, server, *[lambda client: client.score(BODY, path=f"{job}/batches")] * 3) as answers:
        with BareConnection(server.address) as another:
            # Its first bytes ask the job whether it takes them.
            another.send_body_head(BODY, target=f"{job}/batches")
            another.send(BODY.data[:-10])
            answers_meanwhile(client)
        assert client.get(job).json()["status"] == "open"
    added = sorted(answer.result().json()["batch"] for answer in answers)
    assert added == [0, 1, 2]
    eventually(lambda: client.post(f"{job}/finish").status_code == 202, "nothing is on its way to the job")


def test_others_are_answered_while_jobs_are_accepted_finished_and_deleted(slow):
    fault, server, client = slow
    job = client.post("/jobs").headers["Location"]
    assert client.score(BODY, path=f"{job}/batches").status_code == 201
    done = client.scored(BODY)["links"]["self"]
    requests = [
        lambda client: client.post(f"{job}/finish"),
        lambda client: client.score(BODY, headers={"Prefer": "respond-async"}),
        lambda client: client.delete(done),
    ]
    with held(fault, server, *requests) as answers:
        answers_meanwhile(client)
    assert [answer.result().status_code for answer in answers] == [202, 202, 204]
