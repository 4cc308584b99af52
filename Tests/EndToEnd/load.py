"""Many clients at once, for what a server does under load and when it is stopped; `Tests/Soak` uses them too."""

import collections
import dataclasses
import http.client
import socket
import threading
import time

import numpy as np

from bodies import Body, npz
from server import PATIENCE


def request_bytes(body: Body, target="/score", *fields):
    """A whole `POST`, ready to be sent."""
    lines = [f"POST {target} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body.data)}"]
    lines += [f"{name}: {value}" for name, value in body.fields.items()]
    return "\r\n".join([*lines, *fields, "", ""]).encode() + body.data


def even_body(classes, side):
    """One image whose classes are all as likely: large at no cost."""
    labels = np.zeros((1, side, side), np.uint8)
    return npz(labels=labels, pred_probs=np.full((1, classes, side, side), 1 / classes, np.float32))


@dataclasses.dataclass
class Outcome:
    """What became of one request: a status with its fields, or what went wrong."""

    status: int | None = None
    retry_after: str | None = None
    closes: bool = True
    failure: str = ""


def exchange(connection, request, patience=60):
    """Sends a request, however far the server lets it, and reads the answer."""
    failure = ""
    try:
        connection.sendall(request)
    except OSError as error:
        # The server has answered before the body was in, and closed: its answer is there to be read.
        failure = type(error).__name__
    connection.settimeout(patience)
    try:
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        answer.read()
    except (OSError, http.client.HTTPException) as error:
        return Outcome(failure=f"{failure} {type(error).__name__}".strip())
    return Outcome(answer.status, answer.headers["Retry-After"], answer.headers["Connection"] == "close")


def flood(address, request, count, patience=60):
    """Sends one request over so many connections at the same moment; returns the outcomes."""
    start = threading.Barrier(count)
    outcomes = []

    def post():
        try:
            connection = socket.create_connection(address, patience)
        except OSError as error:
            start.abort()
            outcomes.append(Outcome(failure=f"connect: {error!r}"))
            return
        with connection:
            try:
                start.wait(patience)
            except threading.BrokenBarrierError:
                pass
            outcomes.append(exchange(connection, request, patience))

    run_all([post] * count)
    return outcomes


def tally(outcomes):
    """How many there are of each kind."""
    return collections.Counter(outcome.status or outcome.failure for outcome in outcomes)


def run_all(actions):
    threads = [threading.Thread(target=action, daemon=True) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class SteadyLoad:
    """Clients that post one after the other, until the server takes no more connections.

    What counts as lost: a request sent over a connection that the system had opened, and not answered.
    """

    def __init__(self, address, kept, fresh):
        """A client that keeps its connection for each request in `kept`; one that does not for each in `fresh`."""
        self.address = address
        self.outcomes = []
        self.threads = [
            threading.Thread(target=self._post, args=[request, keeps], daemon=True)
            for requests, keeps in ((kept, True), (fresh, False))
            for request in requests
        ]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        for thread in self.threads:
            thread.join(PATIENCE)

    def _post(self, request, keeps):
        connection = None
        while True:
            if connection is None:
                try:
                    connection = socket.create_connection(self.address, PATIENCE)
                except ConnectionRefusedError:
                    return
            outcome = exchange(connection, request)
            self.outcomes.append(outcome)
            if outcome.closes or not keeps:
                connection.close()
                connection = None

    def tally(self):
        return tally(self.outcomes)

    def lost(self):
        return [outcome for outcome in self.outcomes if outcome.status not in (200, 503)]


def trickle(address, first, byte_at, seconds, gap=0.2):
    """Sends `first`, then `byte_at(0)`, `byte_at(1)` … with a pause before each, until the server hangs up.

    Returns what came, and after how many seconds the connection ended; None if it did not in time.
    """
    with socket.create_connection(address, PATIENCE) as connection:
        started = time.monotonic()
        received = b""
        turn = 0
        connection.sendall(first)
        connection.settimeout(gap)
        while time.monotonic() - started < seconds:
            try:
                data = connection.recv(65536)
            except TimeoutError:
                try:
                    connection.sendall(byte_at(turn))
                except OSError:
                    continue
                turn += 1
                continue
            except ConnectionResetError:
                data = b""
            if not data:
                return received, time.monotonic() - started
            received += data
        return received, None
