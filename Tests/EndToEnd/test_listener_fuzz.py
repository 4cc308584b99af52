"""Made-up requests through the real listener: whatever a stranger sends, in the end nothing of it is left.

After each round of connections the requests under way, the descriptors, the memory and the jobs are what they were
before. `LISTENER_FUZZ_EXAMPLES` says how many rounds there are; if it is set, they are others each time.
"""

import contextlib
import math
import os
import re
import socket
import struct
import time

import h11
import hypothesis
import pytest
from hypothesis import strategies as st

from bodies import npz
from client import Client
from server import PATIENCE, eventually
from test_metrics import Metrics
from wire import ARRAYS, INFERENCE, Conversation, Request, conversations

EXAMPLES = int(os.environ.get("LISTENER_FUZZ_EXAMPLES", "0"))
SETTINGS = hypothesis.settings(
    max_examples=EXAMPLES or 150,
    derandomize=not EXAMPLES,
    deadline=None,
    database=None,
    print_blob=True,
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate, hypothesis.Phase.shrink],
    suppress_health_check=list(hypothesis.HealthCheck),
)
IDLE = 1  # Seconds after which the server closes silent connections.
FLAGS = [
    "--idle-timeout",
    str(IDLE),
    "--max-body-bytes",
    "256KiB",
    "--max-json-bytes",
    "64KiB",
    "--max-header-bytes",
    "16KiB",
    "--backlog",
    "64",
    "--threads",
    "2",
    "--workers",
    "2",
    "--memory-budget",
    "64MiB",
    "--drain-timeout",
    "5",
]
# Bytes of memory that the allocator may keep of all rounds together. The address sanitizer remembers where whatever was
# freed had been allocated, without end.
GROWTH = math.inf if "ASAN_OPTIONS" in os.environ else 8 << 20
LIVE = ("open", "receiving", "queued", "running")
STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})[ \r]")
# That the server cannot do what it is asked at the moment, or not at all.
ALLOWED = {501, 503, 505, 507}
BUSY = re.compile(r"response\.status=50[37]\b")


class Line:
    """One connection, and the conversation on it."""

    def __init__(self, server, conversation, job):
        self.conversation = conversation
        self.pieces = conversation.pieces(job)
        self.received = b""
        self.was_reset = False
        self.is_late = False
        self.began = time.monotonic()
        self.socket = socket.create_connection(server.address, PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send_piece(self):
        """Sends the next piece, if there is one; the server may have gone before."""
        if not self.pieces:
            return False
        try:
            self.socket.sendall(self.pieces.pop(0))
        except (BrokenPipeError, ConnectionResetError):
            self.pieces = []
        return True

    def end(self):
        end = self.conversation.end
        # On a busy machine the server may have waited for longer than it does, and said nothing.
        self.is_late = time.monotonic() - self.began > IDLE / 2
        if end == "reset":
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if end == "half":
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_WR)

    def close(self):
        """Reads what is answered, if anyone reads it, and hangs up."""
        with self.socket:
            try:
                while self.conversation.end in ("read", "half", "stall") and (data := self.socket.recv(1 << 16)):
                    self.received += data
            except ConnectionResetError:
                self.was_reset = True


@pytest.fixture(scope="module")
def listener(start_server):
    return Listener(lambda: start_server(*FLAGS))


class Listener:
    """A server, and what it was before anyone asked it.

    After a failure another server is started, so that no failure is the fault of the one before.
    """

    def __init__(self, start):
        self.start = start
        self.begin()

    def begin(self):
        self.is_sound = True
        self.server = self.start()
        self.client = Client(self.server)
        self.client.headers["Connection"] = "close"  # The server would close it where others stall.
        self.log_lines = 0
        # What is made at the first use is there.
        for _ in range(2):
            for method in ("softmin", "num_pixel_issues"):
                self.client.scored(npz(**ARRAYS), method=method)
            self.client.post("/v2/models/segscore/infer", data=INFERENCE.data, headers=INFERENCE.fields)
            self.clear()
        self.descriptors = eventually(self.count_descriptors, "descriptors")
        self.resident_bytes = self.server.resident_bytes

    def count_descriptors(self):
        return len(os.listdir(f"/proc/{self.server.process.pid}/fd"))

    def clear(self):
        """Deletes all jobs; those that are arriving have to end by themselves."""
        jobs = self.client.get("/jobs?limit=500").json()["jobs"]
        for job in jobs:
            if job["status"] != "receiving":
                assert self.client.delete(f"/jobs/{job['id']}").status_code in (204, 404)
        return not jobs

    def is_idle(self):
        metrics = Metrics(self.client)
        return metrics("segscore_http_requests_in_flight") == 1 and all(
            metrics("segscore_jobs", status=status) == 0 for status in LIVE
        )

    def talk(self, talks):
        """Has some conversations at the same time, each a piece in turn."""
        if not self.is_sound:
            self.begin()
        self.is_sound = False
        job = self.client.scored(npz(**ARRAYS), method="num_pixel_issues")["job"]
        lines = []
        try:
            for conversation in talks:
                lines.append(Line(self.server, conversation, job))
            while True in [line.send_piece() for line in lines]:
                pass
            for line in lines:
                line.end()
        finally:
            for line in lines:
                line.close()
        return lines

    def assert_as_before(self):
        """Nothing is left of what was sent."""
        assert self.server.process.poll() is None, self.server.log[-20:]
        eventually(self.clear, "all jobs have ended and can be deleted")
        eventually(self.is_idle, "no request and no job is under way")
        eventually(lambda: self.count_descriptors() <= self.descriptors, "descriptors are closed")
        eventually(lambda: self.server.spooled_files() == [], "no file is left")
        grown = self.server.resident_bytes - self.resident_bytes
        assert grown < GROWTH, f"{grown >> 20} MiB more than before"
        self.is_sound = True
        new, self.log_lines = self.server.log[self.log_lines :], len(self.server.log)
        failures = [line for line in new if re.match(r"\S+ (error|critical) ", line) and not BUSY.search(line)]
        assert failures == []


def answers_of(line):
    """The answers to proper requests, by h11: one for each, until one says that it is the last."""
    answers = []
    parser = h11.Connection(h11.CLIENT)
    parser.receive_data(line.received)
    parser.receive_data(b"")
    for request in line.conversation.requests:
        parser.send(h11.Request(method=request.method, target=b"/", headers=[("Host", "a")]))
        parser.send(h11.EndOfMessage())
        while not isinstance(event := parser.next_event(), h11.EndOfMessage):
            assert not isinstance(event, (h11.ConnectionClosed, type(h11.NEED_DATA), type(h11.PAUSED))), (
                event,
                line.received,
            )
            if isinstance(event, h11.Response):
                answers.append(event)
        if parser.our_state is not h11.DONE or parser.their_state is not h11.DONE:
            return answers
        parser.start_next_cycle()
    return answers


def assert_answered(line):
    """What came back is HTTP, and no failure of the server's."""
    if line.received:
        status = STATUS.match(line.received)
        assert status, line.received[:200]
        assert int(status[1]) < 500 or int(status[1]) in ALLOWED, line.received[:600]
        if int(status[1]) >= 400:
            head = line.received.partition(b"\r\n\r\n")[0].lower()
            assert b"\r\ncontent-type: application/problem+json" in head and b"\r\nx-request-id: " in head, (
                line.received[:600]
            )
    if line.conversation.is_proper and not line.was_reset and not line.is_late:
        answers = answers_of(line)
        closes = ("connection", "close") in [
            (name.decode(), value.decode().lower()) for name, value in answers[-1].headers
        ]
        assert len(answers) == len(line.conversation.requests) or closes, line.received
        for answer in answers:
            assert dict(answer.headers).get(b"x-request-id"), answer


def get(target, *fields, end="read", method=b"GET"):
    return Conversation(
        (Request(b"\r\n".join([method + b" " + target + b" HTTP/1.1", b"Host: 127.0.0.1", *fields, b"", b""])),),
        (),
        1.0,
        end,
    )


def post(target, body, *fields, sent=1.0, end="read"):
    head = [b"POST " + target + b" HTTP/1.1", b"Host: 127.0.0.1", *fields, b"", b""]
    return Conversation((Request(b"\r\n".join(head), body),), (0.3, 0.6), sent, end)


WITHOUT_LENGTH = post(
    b"/v2/models/segscore/infer", INFERENCE.data, b"Connection: close", b"Content-Length: %d" % len(INFERENCE.data)
)
CUT = post(b"/score", npz(**ARRAYS).data, b"Content-Length: %d" % len(npz(**ARRAYS).data), sent=0.7, end="reset")


@SETTINGS
@hypothesis.given(st.lists(conversations(), min_size=1, max_size=6))
@hypothesis.example(
    [get(b"/jobs?" + b"&" * count, end=end) for count in (4500, 6000) for end in ("half", "close", "stall")]
)
@hypothesis.example([WITHOUT_LENGTH, CUT, get(b"/jobs/{job}/events", end="reset")])
def test_nothing_is_left_of_whatever_is_sent(listener, talks):
    for line in listener.talk(talks):
        assert_answered(line)
    listener.assert_as_before()


def test_hanging_up_at_every_byte_of_a_request_leaves_nothing(listener):
    """At each place of a head and of a body, some at a time, in each way."""
    body = npz(**ARRAYS).data
    length = post(b"/score", body, b"Content-Length: %d" % len(body))
    chunks = b"".join(
        b"%x\r\n%b\r\n" % (len(body[at : at + 100]), body[at : at + 100]) for at in range(0, len(body), 100)
    )
    chunked = post(b"/score", chunks + b"0\r\n\r\n", b"Transfer-Encoding: chunked")
    for whole in (length, chunked):
        size = len(whole.requests[0].data)
        places = [*range(0, 160, 3), *range(160, size, 53), *range(size - 12, size + 1)]
        for start in range(0, len(places), 24):
            listener.talk(
                [
                    Conversation(whole.requests, (), place / size, ("reset", "close")[index % 2])
                    for index, place in enumerate(places[start : start + 24])
                ]
            )
            listener.assert_as_before()
