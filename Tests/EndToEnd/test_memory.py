"""The budget of memory: who is refused when it is used up, and that all of it comes back."""

import contextlib

import pytest

import reference
from bodies import array_of, json_body, npz
from client import BareConnection, Client, assert_problem
from server import eventually, run

LABELS, PRED_PROBS = reference.sample(images=1, height=512, width=512, classes=3)
LARGE = npz(labels=LABELS, pred_probs=PRED_PROBS)  # 2.5 MiB of arrays, of which a result keeps 1.5
SMALL = npz(labels=LABELS[:, :4, :4], pred_probs=PRED_PROBS[:, :, :4, :4])


@pytest.fixture(scope="module")
def scarce(start_server):
    with Client(start_server("--memory-budget", "5900KiB", "--result-memory", "1MiB")) as client:
        yield client


def memory_in_use(client):
    line = next(line for line in client.get("/metrics").text.splitlines() if line.startswith("segscore_memory_bytes "))
    return float(line.split()[1])


def half_sent(client, connections):
    """A connection that has sent half of the large body."""
    connection = connections.enter_context(BareConnection(client.server.address))
    connection.send_body_head(LARGE)
    connection.send(LARGE.data[: len(LARGE.data) // 2])
    return connection


def at_rest(client):
    """The client, once the server has given back what it held for answers: it does so a moment after they were read."""
    eventually(lambda: memory_in_use(client) < 1 << 20, "it is given back")
    return client


def test_what_finds_no_memory_is_told_to_come_again(scarce):
    assert at_rest(scarce).score(LARGE).status_code == 200
    at_rest(scarce)
    with contextlib.ExitStack() as connections:
        waiting = [half_sent(scarce, connections) for _ in range(2)]
        eventually(lambda: memory_in_use(scarce) >= 5 << 20, "both have begun")
        answer = scarce.score(LARGE)
        problem = assert_problem(answer, 503, "out-of-memory")
        assert answer.headers["Retry-After"] and problem["detail"]
        # Nobody else suffers.
        for connection in waiting:
            connection.send(LARGE.data[len(LARGE.data) // 2 :])
            assert connection.read().status_code == 200
    assert at_rest(scarce).score(LARGE).status_code == 200


def test_when_it_is_nearly_used_up_nothing_begins(scarce):
    with Client(scarce.server) as client:
        job = at_rest(client).post("/jobs").headers["Location"]
    with contextlib.ExitStack() as connections:
        # With the one byte a pixel that labels take, and the job's own arrays, more than seven eighths.
        for _ in range(2):
            half_sent(scarce, connections)
        labels = npz(labels=LABELS)
        third = connections.enter_context(BareConnection(scarce.server.address))
        third.send_body_head(labels)
        third.send(labels.data[:-200])
        eventually(lambda: scarce.get("/readyz").status_code == 503, "the server is full")
        assert_problem(scarce.get("/readyz"), 503, "out-of-memory")
        assert scarce.get("/livez").status_code == 200
        with BareConnection(scarce.server.address) as connection:
            # At the head: not a byte of the body is waited for.
            connection.send_head("POST", "/score", "Content-Length: 100000000", "Expect: 100-continue")
            answer = connection.read()
            assert_problem(answer, 503, "out-of-memory")
            assert int(answer.headers["Retry-After"]) >= 1
        assert_problem(scarce.score(SMALL, path=f"{job}/batches"), 503, "out-of-memory")
        assert_problem(scarce.score(json_body(image_scores=[0.5]), path="/issues"), 503, "out-of-memory")
        assert_problem(scarce.score(SMALL, path="/reduce"), 503, "out-of-memory")
    eventually(lambda: scarce.get("/readyz").status_code == 200, "what was cut short is given back")
    assert at_rest(scarce).score(LARGE).status_code == 200
    assert scarce.delete(job).status_code == 204


def test_kept_results_leave_room(start_server):
    with Client(start_server("--memory-budget", "8MiB")) as client:
        for _ in range(12):
            answer = client.scored(LARGE)
        assert client.get("/readyz").status_code == 200
        assert array_of(client.get(answer["links"]["pixel_scores"])).shape == (1, 512, 512)


def test_json_counts_too(start_server):
    with Client(start_server("--memory-budget", "1MiB")) as client:
        text = json_body(labels=LABELS[:, :256, :256], pred_probs=PRED_PROBS[:, :, :256, :256])
        assert len(text.data) > 1 << 20
        assert_problem(client.score(text), 503, "out-of-memory")
        assert client.score(SMALL).status_code == 200


def test_the_spool_has_a_budget_too(start_server):
    last = npz(pred_probs=PRED_PROBS, labels=LABELS)  # 3 MiB that wait for the labels
    server = start_server("--spool-budget", "4MiB")
    with Client(server) as client, BareConnection(server.address) as connection:
        assert client.score(last).status_code == 200
        connection.send_body_head(last)
        connection.send(last.data[: 2 << 20])
        eventually(lambda: client.get("/jobs?status=receiving").json()["jobs"], "it has begun")
        eventually(lambda: client.score(last).status_code == 503, "the spool is as full as it may be")
        answer = client.score(last)
        assert_problem(answer, 503, "spool-busy")
        assert int(answer.headers["Retry-After"]) >= 1
        assert client.score(LARGE).status_code == 200, "labels first need none"
        connection.send(last.data[2 << 20 :])
        assert connection.read().status_code == 200
        assert client.score(last).status_code == 200
    with Client(start_server("--spool-budget", "2MiB")) as client:
        assert_problem(client.score(last), 507, "spool-full")


def test_more_results_than_memory_make_no_sense():
    done = run("serve", "--memory-budget", "1MiB", "--result-memory", "2MiB")
    assert done.returncode != 0 and "--result-memory must be at most --memory-budget, 1MiB, not 2MiB" in done.stderr
