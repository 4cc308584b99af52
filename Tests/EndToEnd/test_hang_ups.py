"""Clients that go away while they wait: nothing is done for them any longer, and nothing is kept."""

import json
import socket
import struct

import numpy as np
import pytest

import reference
from bodies import npy_header, npz
from client import BareConnection
from server import eventually

BODY = npz(**dict(zip(("labels", "pred_probs"), reference.sample(images=2))))


@pytest.fixture(scope="module")
def volume(tmp_path_factory):
    """Files that take long to read, and take no room."""
    folder = tmp_path_factory.mktemp("volume")
    for name, descr, size, shape in (
        ("labels", "|u1", 1, (60, 100, 100)),
        ("pred_probs", "<f4", 4, (60, 20_000, 100, 100)),
    ):
        with open(folder / f"{name}.npy", "wb") as file:
            file.write(npy_header(descr, shape))
            file.truncate(file.tell() + size * int(np.prod(shape)))
    return folder


@pytest.fixture(scope="module")
def server(start_server, volume):
    return start_server("--workers", "1", "--data-dir", volume)


FILES = {"labels": {"file": "labels.npy"}, "pred_probs": {"file": "pred_probs.npy"}, "method": "num_pixel_issues"}


@pytest.fixture
def busy(client):
    """The only worker has a job for a long while."""
    path = client.post("/score", json=FILES, headers={"Prefer": "respond-async"}).headers["Location"]
    eventually(lambda: client.get(path).json()["status"] == "running", "it runs")
    yield path
    client.delete(path)
    assert client.job_ids() == []


def waiting(client, ahead):
    """The jobs that are there besides the one ahead."""
    return [path for path in map("/jobs/{}".format, client.job_ids()) if path != ahead]


def hang_up(connection, way):
    if way == "reset":
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if way == "half":
        connection.socket.shutdown(socket.SHUT_WR)
        assert connection.is_closed_by_server()
    connection.close()


@pytest.mark.parametrize("way", ["close", "reset", "half"])
def test_a_score_whose_client_hangs_up_is_canceled_and_forgotten(client, busy, way):
    connection = BareConnection(client.server.address)
    connection.send_body_head(BODY)
    connection.send(BODY.data)
    (job,) = eventually(lambda: waiting(client, busy), "the score is a job")
    eventually(lambda: client.get(job).json()["status"] == "queued", "it waits for the worker")
    hang_up(connection, way)
    eventually(lambda: waiting(client, busy) == [], "the job is gone")
    assert client.get(busy).json()["status"] == "running"
    assert client.get(job).status_code == 404


def test_a_score_that_runs_is_stopped(client):
    """Its memory is free again, and its results are not kept."""
    assert client.job_ids() == []
    canceled = metric(client, "segscore_jobs_finished_total")[CANCELED]
    body = json.dumps(FILES).encode()
    with BareConnection(client.server.address) as connection:
        connection.send_head("POST", "/score", f"Content-Length: {len(body)}")
        connection.send(body)
        (job,) = eventually(client.job_ids, "the score is a job")
        eventually(lambda: client.get(f"/jobs/{job}").json()["status"] == "running", "it runs")
    eventually(lambda: client.job_ids() == [], "the job is gone")
    eventually(lambda: memory(client) == 0, "its memory is free")
    assert metric(client, "segscore_jobs_finished_total")[CANCELED] == canceled + 1


@pytest.mark.parametrize("fields", [("Idempotency-Key: mine",), ("Prefer: respond-async, wait=60",)])
def test_a_score_that_can_be_asked_for_again_goes_on(client, busy, fields):
    with BareConnection(client.server.address) as connection:
        connection.send_body_head(BODY, *fields)
        connection.send(BODY.data)
        (job,) = eventually(lambda: waiting(client, busy), "the score is a job")
    eventually(lambda: metric(client, "segscore_http_requests_in_flight")[""] == 1, "its connection is given up")
    client.delete(busy)
    assert client.get(job, params={"wait": 20}).json()["status"] == "succeeded"
    if fields[0].startswith("Idempotency"):
        again = client.score(BODY, headers={"Idempotency-Key": "mine"})
        assert again.status_code == 200 and again.headers["Location"] == job
    client.delete(job)


def test_polls_and_events_end_with_their_client(client, busy):
    for target in ("?wait=60", "/events"):
        with BareConnection(client.server.address) as connection:
            connection.send_head("GET", busy + target)
            eventually(lambda: metric(client, "segscore_http_requests_in_flight")[""] == 2, "it is under way")
        eventually(lambda: metric(client, "segscore_http_requests_in_flight")[""] == 1, "it is over")
        assert client.get(busy).json()["status"] == "running"


CANCELED = '{method="num_pixel_issues",status="canceled"}'


def metric(client, name):
    """Its values by labels."""
    lines = [line for line in client.get("/metrics").text.splitlines() if line.startswith(name)]
    return {line[len(name) :].rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def memory(client):
    return metric(client, "segscore_memory_bytes")[""]
