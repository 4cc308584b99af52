"""A thousand clients that begin a request and leave it at that."""

import contextlib
import resource
import socket
import time

import pytest

import load
from client import BareConnection
from server import eventually

HALF = b"POST /score HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-npz\r\nContent-Le"


@pytest.fixture(autouse=True)
def many_descriptors():
    """For this process and the servers that it starts."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    if before[0] < 5000:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(5000, before[1]), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def crowd(server, count, stack):
    for _ in range(count):
        connection = stack.enter_context(socket.create_connection(server.address))
        with contextlib.suppress(OSError):
            connection.sendall(HALF)


def is_served(server):
    with contextlib.suppress(OSError, EOFError), BareConnection(server.address) as connection:
        connection.send_head("GET", "/livez")
        return connection.read().status_code == 200


def test_a_crowd_shuts_nobody_out(start_server):
    server = start_server("--idle-timeout", "5")
    with contextlib.ExitStack() as stack:
        crowd(server, 1100, stack)
        assert is_served(server)
        # The crowd did not come all at once, and does not go all at once.
        request = load.request_bytes(load.even_body(3, 64))
        eventually(
            lambda: load.tally(load.flood(server.address, request, 50)) == {200: 50}, "there is room for 50", seconds=10
        )


def test_a_crowd_bothers_nobody_where_there_is_room_for_more(start_server):
    server = start_server("--idle-timeout", "5", "--max-connections", "4000")
    with contextlib.ExitStack() as stack:
        crowd(server, 1100, stack)
        started = time.monotonic()
        assert is_served(server)
        outcomes = load.flood(server.address, load.request_bytes(load.even_body(3, 64)), 50)
        print(
            f"\n50 posts took {time.monotonic() - started:.2f} s beside 1100 half-open clients, "
            f"{server.resident_bytes >> 20} MiB"
        )
    assert load.tally(outcomes) == {200: 50}
