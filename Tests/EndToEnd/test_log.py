"""The log: nobody waits for whoever reads it, what is lost is counted, and clients cannot make up lines."""

import json
import os
import re
import signal
import subprocess

import pytest

from client import curl
from server import BINARY, PATIENCE, environment, eventually
from test_flags import BODY

FORMATS = ["text", "json"]


class Logging:
    """A server whose standard error stream is a descriptor of ours, and which a Unix socket leads to."""

    def __init__(self, folder, stderr, *flags):
        self.path = folder / "socket"
        self.port = None
        self.process = subprocess.Popen(
            [BINARY, "serve", "--listen", f"unix:{self.path}", "--log-level", "trace", *flags],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            env=environment(),
        )

    def __enter__(self):
        def answers():
            assert self.process.poll() is None
            return self.path.exists() and self.get("/livez")[0] == 200

        eventually(answers, "it is alive")
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def get(self, target, *arguments):
        return curl(self, target, *arguments, socket_path=self.path)

    @property
    def lost(self):
        return int(re.search(rb"^segscore_log_lines_lost_total (\d+)$", self.get("/metrics")[2], re.MULTILINE)[1])

    def assert_it_serves_and_stops(self):
        assert self.get("/score", "-d", BODY)[0] == 200
        assert self.get("/jobs/nothing")[0] == 404
        self.process.terminate()
        assert self.process.wait(PATIENCE) == 0


@pytest.mark.parametrize("log_format", FORMATS)
def test_a_log_on_a_full_disk_ends_nothing(tmp_path, log_format):
    with open("/dev/full", "w") as full, Logging(tmp_path, full, "--log-format", log_format) as server:
        before = eventually(lambda: server.lost, "lines are lost")
        server.get("/jobs/nothing")
        eventually(lambda: server.lost > before, "more are lost")
        server.assert_it_serves_and_stops()


@pytest.mark.parametrize("log_format", FORMATS)
def test_a_log_whose_reader_has_left_ends_nothing(tmp_path, log_format):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stderr, Logging(tmp_path, stderr, "--log-format", log_format) as server:
        eventually(lambda: server.lost, "lines are lost")
        server.assert_it_serves_and_stops()


@pytest.mark.parametrize("log_format", FORMATS)
def test_a_closed_log_ends_nothing(tmp_path, log_format):
    path = tmp_path / "socket"
    command = f'exec "$0" serve --listen "unix:$1" --log-format {log_format} --log-level trace 2>&-'
    process = subprocess.Popen(
        ["bash", "-c", command, BINARY, path], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=environment()
    )
    try:
        server = type("", (), {"port": None})
        eventually(lambda: path.exists() or process.poll() is not None, "it listens")
        assert curl(server, "/score", "-d", BODY, socket_path=path)[0] == 200
        process.terminate()
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("log_format", FORMATS)
def test_nobody_waits_for_a_log_that_nobody_reads(tmp_path, log_format):
    reader, writer = os.pipe()
    target = "/" + "x" * 30_000
    with os.fdopen(writer, "w") as stderr, Logging(tmp_path, stderr, "--log-format", log_format) as server:
        # Each request makes lines of 60 KB.
        def is_full():
            assert server.get(target)[0] == 404
            return server.lost

        eventually(is_full, "the log is full", seconds=3 * PATIENCE)
        assert server.get("/score", "-d", BODY)[0] == 200
        stderr.close()
        lines = b""
        # Now somebody reads, and what comes next is written again, behind a line that says what is missing.
        os.set_blocking(reader, False)

        def read():
            nonlocal lines
            try:
                while piece := os.read(reader, 1 << 20):
                    lines += piece
            except BlockingIOError:
                pass
            return lines

        def is_told():
            server.get("/livez")
            return b"lines of the log were lost" in read()

        eventually(is_told, "the loss is told")
        lost = server.lost
        server.assert_it_serves_and_stops()
        read()
    os.close(reader)
    lines = lines.decode().splitlines()
    assert "stopped" in lines[-1]
    told = [line for line in lines if "lines of the log were lost" in line]
    if log_format == "json":
        assert sum(int(json.loads(line)["count"]) for line in told) == lost
        assert all(json.loads(line)["level"] for line in lines)
    else:
        assert sum(int(re.search(r" count=(\d+) ", line)[1]) for line in told) == lost
        assert all(re.match(r"\d{4}-\d\d-\d\dT\S+ \w+ segscore:", line) for line in lines)


NAMES = [
    "\n2026-11-28 error segscore: forged",
    "\r",
    "\x1b[2J\x1b[31m",
    "\x00",
    "\x7f",
    "\x85",
    "\u2028",
    "\u2029",
    "\u202e",
    "\u2066",
    "\u200b",
    "\U000e0041",
]


@pytest.mark.parametrize("log_format", FORMATS)
@pytest.mark.parametrize("name", NAMES, ids=[repr(name) for name in NAMES])
def test_what_clients_name_is_escaped(log_server, log_format, name):
    server = log_server[log_format]
    body = json.dumps({f"first{name}last": 1, "labels": [[[0]]], "pred_probs": [[[[1.0]], [[0.0]]]]})
    request = f"request-{NAMES.index(name)}"
    status, _, answer = curl(server, "/score", "-H", f"X-Request-Id: {request}", "-d", body)
    assert status == 400, answer
    line = server.wait_for_log(request, re.compile("request refused"))
    assert "first" in line and "last" in line and "\\u" in line
    if log_format == "json":
        assert f"first{name}last" in json.loads(line)["problem.detail"]
    for bad in name:
        assert bad.isprintable() or bad not in line


@pytest.fixture(scope="module")
def log_server(start_server):
    return {log_format: start_server("--log-format", log_format, "--log-level", "debug") for log_format in FORMATS}


def test_sighup_ends_no_server(start_server):
    server = start_server()
    server.process.send_signal(signal.SIGHUP)
    server.wait_for_log("nothing is read anew")
    assert curl(server, "/livez")[0] == 200
