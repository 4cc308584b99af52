"""Servers that are started, asked and stopped: segscore, and those that it is measured against."""

import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
HEAD_END = b"\r\n\r\n"


def read_head(connection: socket.socket) -> tuple[bytes, bytes]:
    """The head of a message, and the bytes that came behind it."""
    data = b""
    while HEAD_END not in data:
        received = connection.recv(65536)
        if not received:
            raise EOFError("the connection was closed")
        data += received
    head, _, rest = data.partition(HEAD_END)
    return head, rest


def content_length(head: bytes) -> int:
    return int(re.search(rb"(?i)content-length: *(\d+)", head)[1])


class Endpoint:
    """An address that requests go to: a port of this machine, or the path of a socket."""

    def __init__(self, address):
        self.address = address

    def connect(self) -> socket.socket:
        family = socket.AF_UNIX if isinstance(self.address, str) else socket.AF_INET
        connection = socket.socket(family)
        connection.connect(self.address)
        return connection

    def post(self, media_type: str, body: bytes, target="/score", accept="application/json") -> float:
        """Seconds from connecting to the last byte of the answer."""
        head = (
            f"POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {media_type}\r\nAccept: {accept}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode()
        start = time.perf_counter()
        with self.connect() as connection:
            connection.sendall(head)
            connection.sendall(body)
            answer, rest = read_head(connection)
            left = content_length(answer) - len(rest)
            while left > 0:
                left -= len(connection.recv(1 << 20))
        taken = time.perf_counter() - start
        assert b" 200 " in answer.partition(b"\r\n")[0] + b" ", answer + rest
        return taken


def compiled(source: str, folder: str, *flags: str) -> str:
    """Compiles a source of this folder, and returns the path of the program."""
    program = os.path.join(folder, pathlib.Path(source).stem)
    compiler = "c++" if source.endswith(".cpp") else "cc"
    subprocess.run([compiler, "-O2", str(HERE / source), "-o", program, *flags], check=True)
    return program


class Sink:
    """`sink.c`: a server that reads each body and keeps nothing of it, over TCP and over a Unix socket."""

    def __init__(self, folder: str):
        program, path = compiled("sink.c", folder, "-pthread", "-D_GNU_SOURCE"), os.path.join(folder, "sink.sock")
        self._processes = [
            subprocess.Popen([program, address], stdout=subprocess.PIPE, text=True) for address in ("0", path)
        ]
        port = int(self._processes[0].stdout.readline())
        for process in self._processes:
            assert process.stdout.readline() == "listening\n"
        self.tcp, self.unix = Endpoint(("127.0.0.1", port)), Endpoint(path)

    def stop(self) -> None:
        for process in self._processes:
            process.kill()


class Segscore:
    """`segscore serve`, with its own defaults and the flags that are given."""

    def __init__(self, binary: str, folder: str, *flags: str):
        path = os.path.join(folder, f"segscore-{time.monotonic_ns()}.sock")
        self.process = subprocess.Popen(
            [binary, "serve", "--listen", "127.0.0.1:0", "--listen", f"unix:{path}", *flags],
            stderr=subprocess.PIPE,
            text=True,
        )
        port = None
        while port is None or not os.path.exists(path):
            found = re.search(r"127\.0\.0\.1:(\d+)", self.process.stderr.readline())
            port = int(found[1]) if found else port
        self.tcp, self.unix = Endpoint(("127.0.0.1", port)), Endpoint(path)

    @property
    def peak_megabytes(self) -> float:
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


class FastAPI:
    """`fastapi_app.py`: cleanlab behind FastAPI and uvicorn, as one would write it in an afternoon."""

    def __init__(self):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "fastapi_app:app", "--port", str(port), "--log-level", "warning"],
            cwd=HERE,
        )
        self.tcp = Endpoint(("127.0.0.1", port))
        for _ in range(200):
            try:
                self.tcp.connect().close()
                return
            except ConnectionRefusedError:
                time.sleep(0.1)
        raise RuntimeError("uvicorn does not start")

    peak_megabytes = Segscore.peak_megabytes
    stop = Segscore.stop


def temporary_folder() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="segscore-bench-")
