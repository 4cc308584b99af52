"""The server under load and abuse, in short; `Tests/Soak` has what takes longer."""

import concurrent.futures
import contextlib
import socket
import time

import pytest

import load
import reference
from bodies import npz
from client import BareConnection, Client
from server import eventually

LABELS, PRED_PROBS = reference.sample(images=1, height=64, width=64, classes=3)
GOOD = npz(labels=LABELS, pred_probs=PRED_PROBS)
TYPE = b"Content-Type: application/x-npz\r\n"


def assert_answered(outcomes):
    """Each outcome is 200, or 503 with a word on when to come again."""
    strange = [outcome for outcome in outcomes if outcome.status not in (200, 503)]
    assert not strange, load.tally(outcomes)
    assert all(int(outcome.retry_after) >= 0 for outcome in outcomes if outcome.status == 503)


# More than there is room for


@pytest.mark.parametrize(
    "flags",
    [("--backlog", "2", "--workers", "1"), ("--memory-budget", "9MiB", "--result-memory", "3MiB")],
    ids=["places", "memory"],
)
def test_a_flood_is_answered_to_the_last(start_server, flags):
    server = start_server(*flags)
    outcomes = load.flood(server.address, load.request_bytes(load.even_body(5, 512)), 30)
    assert_answered(outcomes)
    assert {200, 503} == set(load.tally(outcomes)), load.tally(outcomes)
    with Client(server) as client:
        eventually(lambda: client.get("/readyz").status_code == 200, "there is room again")
        assert client.score(GOOD).status_code == 200


def test_jobs_never_wedge_where_memory_is_small(start_server):
    """Results are kept for half of the budget and no more, so that what comes next has the rest."""
    with Client(start_server("--memory-budget", "4MiB")) as client:
        for turn in range(12):
            accepted = client.score(
                npz(labels=LABELS.repeat(4, 1).repeat(4, 2), pred_probs=PRED_PROBS.repeat(4, 2).repeat(4, 3)),
                headers={"Prefer": "respond-async"} if turn % 2 else {},
            )
            assert accepted.status_code == (202 if turn % 2 else 200), accepted.text
            if turn % 2:
                job = client.get(accepted.headers["Location"], params={"wait": 20}).json()
                assert job["status"] == "succeeded"


def test_open_jobs_that_fill_the_memory_do_not_hold_it_for_ever(start_server):
    with Client(start_server("--memory-budget", "4MiB", "--open-ttl", "3")) as client:
        jobs = [client.post("/jobs").headers["Location"] for _ in range(3)]
        # So small that what one more would take is less than the share of the budget that readiness asks for.
        body = load.even_body(2, 64)

        def fills_up():
            statuses = {client.score(body, path=f"{job}/batches").status_code for job in jobs}
            assert statuses <= {201, 503}
            return statuses == {503}

        eventually(fills_up, "the memory is full")
        assert client.get("/readyz").status_code == 503
        eventually(lambda: client.get("/readyz").status_code == 200, "they are canceled")
        assert client.score(body).status_code == 200


# The end


def test_a_drain_under_load_loses_no_request(start_server):
    small, medium = (load.request_bytes(load.even_body(8, side)) for side in (8, 128))
    for _ in range(2):
        server = start_server("--drain-timeout", "10")
        with load.SteadyLoad(server.address, kept=[small, small, medium], fresh=[small, small, medium]) as clients:
            time.sleep(0.15)
            server.terminate()
            assert server.stop() == 0
        assert not clients.lost(), clients.tally()
        assert clients.tally()[200] > 0


def test_who_is_connected_but_not_yet_accepted_is_answered(start_server):
    """Many at once, so that some wait in the kernel's queue when the server is told to stop."""
    request = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
    for _ in range(3):
        server = start_server("--threads", "1", "--drain-timeout", "10")
        with contextlib.ExitStack() as stack:
            connections = [stack.enter_context(socket.create_connection(server.address)) for _ in range(100)]
            server.terminate()
            outcomes = [load.exchange(connection, request) for connection in connections]
        assert server.stop() == 0
        assert load.tally(outcomes) == {200: 100}


# Clients that take their time


@pytest.fixture(scope="module")
def impatient(start_server):
    with Client(start_server("--idle-timeout", "1", "--max-connections", "300")) as client:
        yield client


SLOW = {
    "nothing": (b"", lambda turn: b"", False),
    "the first line": (b"G", lambda turn: b"E", False),
    "empty lines": (b"", lambda turn: b"\r\n", False),
    "the second request": (b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", lambda turn: b"G", False),
    "a head": (b"GET /livez HTTP/1.1\r\nHost: localhost\r\n", lambda turn: b"X", True),
    "a body": (
        b"POST /score HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000\r\n" + TYPE + b"\r\n",
        lambda turn: GOOD.data[turn : turn + 1],
        True,
    ),
    "a refused body": (
        b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000\r\n\r\n",
        lambda turn: b"x",
        True,
    ),
    "chunks": (
        b"POST /score HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n" + TYPE + b"\r\n",
        lambda turn: b"1\r\n" + GOOD.data[turn : turn + 1] + b"\r\n",
        True,
    ),
    "the size of a chunk": (
        b"POST /score HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n" + TYPE + b"\r\n",
        lambda turn: b"0",
        True,
    ),
}


def test_a_byte_now_and_then_does_not_hold_a_connection(impatient):
    """Nor one of the places for jobs. Where a request has begun, it is told why."""
    with concurrent.futures.ThreadPoolExecutor(len(SLOW)) as pool:
        ends = pool.map(lambda case: load.trickle(impatient.server.address, case[0], case[1], 10), SLOW.values())
    for (name, (_, _, is_told)), (received, seconds) in zip(SLOW.items(), ends):
        assert seconds is not None, name
        if is_told:
            assert received.startswith(b"HTTP/1.1 408 ") and b"Connection: close" in received, (name, received)
        else:
            assert b"408" not in received, (name, received)
    # The end of a connection is seen a moment before the server has forgotten its request.
    eventually(lambda: impatient.job_ids() == [], "no place is held")
    assert impatient.score(GOOD).status_code == 200


def test_a_slow_body_that_comes_fast_enough_is_taken(impatient):
    with BareConnection(impatient.server.address) as connection:
        connection.send_body_head(GOOD)
        for start in range(0, len(GOOD.data), 8000):
            connection.send(GOOD.data[start : start + 8000])
            time.sleep(0.25)
        assert connection.read().status_code == 200


def test_clients_that_hang_up_after_the_head_hold_no_place(start_server):
    with Client(start_server("--backlog", "10")) as client:
        for _ in range(50):
            with BareConnection(client.server.address) as connection:
                connection.send_body_head(GOOD)
        eventually(lambda: client.get("/jobs?status=receiving").json()["jobs"] == [], "they are noticed")
        assert client.score(GOOD).status_code == 200


def test_a_client_that_never_reads_is_hung_up_on(impatient):
    large = load.even_body(1, 2048)
    links = impatient.scored(large)["links"]

    def in_flight():
        lines = impatient.get("/metrics").text.splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("segscore_http_requests_in_flight "))

    with BareConnection(impatient.server.address) as connection:
        connection.send_head("GET", links["pixel_scores"], "Accept: application/x-npz")
        eventually(lambda: in_flight() == 2, "the answer is on its way")
        eventually(lambda: in_flight() == 1, "the answer is given up")


def test_half_open_clients_shut_nobody_out(impatient):
    server = impatient.server
    impatient.close()
    with contextlib.ExitStack() as stack:
        for _ in range(310):
            connection = stack.enter_context(socket.create_connection(server.address))
            with contextlib.suppress(OSError):
                connection.sendall(b"GET /livez HTTP/1.1\r\nHost: a")

        def is_served():
            with contextlib.suppress(OSError, EOFError), BareConnection(server.address) as connection:
                connection.send_head("GET", "/livez")
                return connection.read().status_code == 200

        assert is_served()


# What a proxy might read in another way

HEAD = b"POST /score HTTP/1.1\r\nHost: localhost\r\n" + TYPE
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
SMUGGLED = {
    "two lengths": HEAD + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
    "a length twice": HEAD + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "a list of lengths": HEAD + b"Content-Length: 3, 3\r\n\r\nabc",
    "a length and chunks": HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and a length": HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    "LF lines": HEAD.replace(b"\r\n", b"\n") + b"Content-Length: 3\n\nabc",
    "one LF line": HEAD + b"X: y\nContent-Length: 3\r\n\r\nabc",
    "LF as the empty line": HEAD + b"Content-Length: 3\r\n\nabc",
    "a folded line": HEAD + b"X: y\r\n Content-Length: 3\r\n\r\nabc",
    "a blank before the colon": HEAD + b"Content-Length : 3\r\n\r\nabc",
    "a negative length": HEAD + b"Content-Length: -3\r\n\r\nabc",
    "a length with a sign": HEAD + b"Content-Length: +3\r\n\r\nabc",
    "a hexadecimal length": HEAD + b"Content-Length: 0x3\r\n\r\nabc",
    "an empty length": HEAD + b"Content-Length: \r\n\r\nabc",
    "a length over 64 bits": HEAD + b"Content-Length: 18446744073709551619\r\n\r\nabc",
    "a chunk size that is none": CHUNKED + b"zz\r\nabc\r\n0\r\n\r\n",
    "a negative chunk size": CHUNKED + b"-3\r\nabc\r\n0\r\n\r\n",
    "a chunk size with a prefix": CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n",
    "a chunk size and more": CHUNKED + b"3 abc\r\nabc\r\n0\r\n\r\n",
    "a chunk size over 64 bits": CHUNKED + b"10000000000000003\r\nabc\r\n0\r\n\r\n",
    "an empty chunk size": CHUNKED + b"\r\nabc\r\n0\r\n\r\n",
    "a chunk longer than its size": CHUNKED + b"3\r\nabcdef\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("request_bytes", SMUGGLED.values(), ids=SMUGGLED)
def test_what_can_be_read_in_two_ways_is_refused_and_ends_the_connection(client, request_bytes):
    with socket.create_connection(client.server.address) as connection:
        connection.sendall(request_bytes + b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        connection.settimeout(10)
        received = b""
        with contextlib.suppress(ConnectionResetError):
            while data := connection.recv(65536):
                received += data
    # An overflowing size is too large as well as malformed: that is what libmicrohttpd says.
    overflows = b"18446744073709551619" in request_bytes or b"10000000000000003" in request_bytes
    assert int(received.split()[1]) in ((400, 413) if overflows else (400,)), received[:200]
    # For a length that is none libmicrohttpd 0.9.75 sends the head of its refusal twice, and what fits of the body.
    assert received.count(b"HTTP/1.1 ") == received.count(b"HTTP/1.1 4") <= 2, received
    assert b"\r\nConnection: close\r\n" in received
