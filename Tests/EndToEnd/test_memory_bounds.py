"""Resident memory stays below the budget and a constant, whatever comes in whatever form, and whatever is asked for."""

import concurrent.futures
import contextlib
import itertools
import json
import re
import socket

import numpy as np
import pytest

from bodies import Body, gzipped, json_text, multipart, npz, npz_deflated
from client import BareConnection, Client
from inference import MODEL, in_order, inference
from server import eventually

BUDGET = 96 << 20
# What the process takes beside the budget: itself, what it keeps of buffers for the next, the connections' own buffers,
# and what the allocator cannot give back.
BESIDE = 96 << 20
AT_ONCE = 6


@pytest.fixture(scope="module")
def server(start_server):
    return start_server("--memory-budget", f"{BUDGET >> 20}MiB", "--result-memory", "40MiB", "--workers", "2")


@contextlib.contextmanager
def bounded(server):
    """Checks that resident memory was bounded meanwhile, and that all that was counted comes back but for results."""
    server.forget_peak()
    yield
    peak = server.peak_resident_bytes
    print(f"\n{peak >> 20} MiB resident with a budget of {BUDGET >> 20}")
    assert peak <= BUDGET + BESIDE, f"{peak >> 20} MiB resident with a budget of {BUDGET >> 20} MiB"


def at_once(server, body, path="/score", count=AT_ONCE, rounds=1):
    """Sends a body several times at once; returns the statuses."""

    def send(_):
        with Client(server) as client:
            return [
                client.score(body, accept="application/x-npz" if path == "/score" else None, path=path).status_code
                for _ in range(rounds)
            ]

    with concurrent.futures.ThreadPoolExecutor(count) as threads:
        return list(itertools.chain.from_iterable(threads.map(send, range(count))))


def sample(images, height, width, classes):
    generator = np.random.default_rng(7)
    pred_probs = generator.random((images, classes, height, width), np.float32)
    return generator.integers(0, classes, (images, height, width), np.uint8), pred_probs / classes


LABELS, PRED_PROBS = sample(2, 1024, 1024, 2)


@pytest.mark.parametrize("form", [npz, multipart, npz_deflated], ids=["npz", "form", "npz deflated"])
@pytest.mark.parametrize("is_labels_first", [True, False], ids=["labels first", "labels last"])
def test_binary_bodies(server, form, is_labels_first):
    arrays = {"labels": LABELS, "pred_probs": PRED_PROBS}
    body = form(**(arrays if is_labels_first else dict(reversed(arrays.items()))))
    with bounded(server):
        statuses = at_once(server, body)
    assert set(statuses) <= {200, 503} and 200 in at_once(server, body, count=1)


def large_json(megabytes):
    """Arrays whose numbers take two bytes each as text."""
    count = (megabytes << 20) // 2 // 3
    row = "[" + "0," * (count - 1) + "0]"
    return json_text('{"labels":[[' + row + ']],"pred_probs":[[[' + row + "],[" + row + "]]]}")


@pytest.mark.parametrize("coding", [lambda body: body, gzipped], ids=["plain", "gzip"])
def test_json_bodies(server, coding):
    body = coding(large_json(40))
    with bounded(server):
        assert set(at_once(server, body, count=3)) <= {413, 503}
    small = coding(large_json(2))
    with bounded(server):
        assert set(at_once(server, small)) <= {200, 503}
    assert at_once(server, small, count=1) == [200]


def test_json_of_strings(server):
    body = json_text(json.dumps({f"name{number}": ["text"] * 3 for number in range(300_000)}))
    with bounded(server):
        assert set(at_once(server, body, count=3)) <= {400, 503}


def inference_json(megabytes):
    count = (megabytes << 20) // 2 // 3
    inputs = [
        {"name": "labels", "datatype": "UINT8", "shape": [1, 1, count], "data": "LABELS"},
        {"name": "pred_probs", "datatype": "FP32", "shape": [1, 2, 1, count], "data": "PROBS"},
    ]
    text = json.dumps({"inputs": inputs})
    zeros = "[" + "0," * (count - 1) + "0]"
    return Body(text.replace('"LABELS"', zeros).replace('"PROBS"', zeros[:-1] + "," + zeros[1:]).encode())


def test_inferences(server):
    with bounded(server):
        assert set(at_once(server, inference_json(40), f"{MODEL}/infer", count=3)) <= {413, 503}
    with bounded(server):
        assert set(at_once(server, inference_json(2), f"{MODEL}/infer", count=3)) <= {200, 503}
    with bounded(server):
        statuses = at_once(server, inference(in_order(LABELS, PRED_PROBS)), f"{MODEL}/infer", count=4)
        assert set(statuses) <= {200, 503}
    assert at_once(server, inference_json(1), f"{MODEL}/infer", count=1) == [200]


def test_batches_of_many_small_images(server):
    body = npz(**dict(zip(("labels", "pred_probs"), sample(1, 124, 250, 2))))

    def fill(_):
        with Client(server) as client:
            job = client.post("/jobs").headers["Location"]
            statuses = [client.score(body, path=f"{job}/batches").status_code for _ in range(160)]
            return job, statuses

    with bounded(server), concurrent.futures.ThreadPoolExecutor(4) as threads:
        filled = list(threads.map(fill, range(8)))
    assert {status for _, statuses in filled for status in statuses} <= {201, 413, 503}
    assert any(201 in statuses for _, statuses in filled)
    with Client(server) as client:
        for job, _ in filled:
            assert client.delete(job).status_code == 204
        taken = eventually(lambda: memory(client) < 41 << 20, "what the batches took is given back")
        assert taken


def memory(client):
    return float(re.search(r"^segscore_memory_bytes (\S+)$", client.get("/metrics").text, re.MULTILINE)[1])


@pytest.fixture(scope="module")
def job(server):
    """The path of a job over two images of a million pixels, whose results stay."""
    with Client(server) as client:
        answer = client.score(npz(labels=LABELS, pred_probs=PRED_PROBS), accept="application/x-npz")
        assert answer.status_code == 200
        return answer.headers["Location"]


ANSWERS = [
    ("pixel_scores", "application/json"),
    ("pixel_scores", "application/x-npy"),
    ("pixel_scores", "application/x-npz"),
    ("issues?threshold=0.2", "application/json"),
    ("pixel_scores?image=1", "image/png"),
    ("issues?threshold=0.2&image=0", "image/png"),
    ("ranking?limit=10000", "application/json"),
]


@pytest.mark.parametrize("resource, media_type", ANSWERS, ids=[" as ".join(answer) for answer in ANSWERS])
def test_answers(server, job, resource, media_type):
    def get(_):
        with (
            Client(server) as client,
            client.get(f"{job}/{resource}", headers={"Accept": media_type}, stream=False) as answer,
        ):
            return answer.status_code

    with bounded(server):
        with concurrent.futures.ThreadPoolExecutor(4) as threads:
            assert set(threads.map(get, range(4))) <= {200, 503}
        with contextlib.ExitStack() as connections:
            for _ in range(24):
                connection = connections.enter_context(BareConnection(server.address))
                connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                connection.send_head("GET", f"{job}/{resource}", f"Accept: {media_type}")
                assert connection.read_head()[0] in (200, 503)
    assert get(0) == 200


def test_score_as_json(server):
    body = npz(labels=LABELS, pred_probs=PRED_PROBS)

    def send(_):
        with Client(server) as client:
            answer = client.score(body, include="pixel_scores")
            return answer.status_code, len(json.loads(answer.content).get("pixel_scores", []))

    with bounded(server), concurrent.futures.ThreadPoolExecutor(3) as threads:
        assert set(threads.map(send, range(3))) <= {(200, 2), (503, 0)}
    assert send(0) == (200, 2)


def test_a_ranking_has_a_maximum(server):
    images = 2_000_000
    body = npz(labels=np.zeros((images, 1, 1), np.uint8), pred_probs=np.full((images, 2, 1, 1), 0.5, np.float16))
    with Client(server) as client:
        answer = client.score(body, accept="application/x-npy", include="image_scores")
        assert answer.status_code == 200
        job = answer.headers["Location"]
        assert client.get(f"{job}/ranking?limit=2147483647").status_code == 400
        with bounded(server):
            ranking = client.get(f"{job}/ranking?limit=10000").json()["ranking"]
            assert [row["image"] for row in ranking] == list(range(10000))
            assert client.get(f"{job}/pixel_scores", headers={"Accept": "application/x-npz"}).status_code == 503
