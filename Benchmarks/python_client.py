"""What the Python package costs against cleanlab in the same process, the two taking turns.

    pip install ./Clients/python cleanlab==2.9.0
    python Benchmarks/python_client.py [--binary .build/release/segscore] [--rounds 9] [--unix]

Prints for 8 x 21 x 512 x 512 float32 how much the process grows, and the ratio of `get_label_quality_scores` to cleanlab's: the
median of the pairs' ratios, their least and greatest. For softmin there is also the ratio to a bare socket that sends the same
bytes to the same server and reads no scores, which no client can beat. Times depend on the machine and on what else it does;
look at the ratios.
"""

import argparse
import functools
import math
import os
import pathlib
import re
import socket
import subprocess
import tempfile

import cleanlab.segmentation.rank
import numpy as np

import data
import measure
import segscore
import segscore.segmentation.rank

SHAPE = (8, 21, 512, 512)
SLACK = 16_000_000  # Bytes that the process may grow by besides the answer.


class Server:
    """The program on a free port and on a Unix socket."""

    def __init__(self, binary: str, folder: str):
        self.path = os.path.join(folder, "socket")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SEGSCORE")}
        command = [binary, "serve", "--listen", "127.0.0.1:0", "--listen", f"unix:{self.path}", "--spool-dir", folder]
        self._process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        lines = [self._process.stdout.readline() for _ in range(2)]
        self.port = int(re.search(r"127\.0\.0\.1:(\d+)", "".join(lines))[1])

    def stop(self) -> None:
        self._process.terminate()
        self._process.communicate(timeout=60)


def sent_bare(address, body: bytes) -> None:
    """Sends a form over a socket of its own, and reads that it was scored."""
    with socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET) as connection:
        connection.connect(address)
        connection.sendall(
            "POST /score HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: "
            f"{len(body)}\r\nContent-Type: multipart/form-data; boundary=edge\r\n\r\n".encode())
        connection.sendall(body)
        answer = b"".join(iter(functools.partial(connection.recv, 65536), b""))
    assert b" 200 " in answer[:20], answer


def status_bytes(name: str) -> int:
    text = pathlib.Path("/proc/self/status").read_text()
    return int(re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)[1]) * 1024


def growth(work) -> tuple[int, int]:
    """How much the process grows at most while it works, and the bytes of the answer."""
    before = status_bytes("VmRSS")
    pathlib.Path("/proc/self/clear_refs").write_text("5")  # Forgets the peak.
    answer = work()
    return status_bytes("VmHWM") - before, sum(array.nbytes for array in answer)


def compared(row: measure.Row) -> str:
    mark = "" if row.holds else " **missed**"
    bar = "none" if row.bar.endswith("inf") else row.bar + mark
    return (f"| {row.work} | {row.ours:.4g} {row.unit} | {row.theirs:.4g} {row.unit} ({row.against}) "
            f"| {row.ratio:.3f} ({row.spread[0]:.3f}–{row.spread[1]:.3f}) | {bar} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=".build/release/segscore")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--unix", action="store_true", help="ask over a Unix socket")
    options = parser.parse_args()
    arrays = data.arrays(*SHAPE)

    def scores(module, images=SHAPE[0], **parameters):
        return module.get_label_quality_scores(
            arrays["labels"][:images], arrays["pred_probs"][:images], verbose=False, **parameters)

    def timed(module, **parameters):
        return functools.partial(measure.timed, functools.partial(scores, module, **parameters))

    ours, theirs = segscore.segmentation.rank, cleanlab.segmentation.rank
    with tempfile.TemporaryDirectory() as folder:
        server = Server(os.path.abspath(options.binary), folder)
        address = server.path if options.unix else ("127.0.0.1", server.port)
        segscore.configure(f"unix:{server.path}" if options.unix else f"http://127.0.0.1:{server.port}")
        try:
            print("| work | the package | against | ratio | bar |\n| --- | --- | --- | --- | --- |")
            # First, while no memory is left over from other work.
            scores(ours, method="softmin", images=1)
            for method in ("softmin", "num_pixel_issues"):
                grown, answer = growth(lambda: scores(ours, method=method))
                mark = "" if grown < answer + SLACK else " **missed**"
                print(f"| growth, {method} | {grown / 1e6:.1f} MB | {answer / 1e6:.1f} MB (the answer) "
                      f"| {grown / answer:.3f} | the answer + 16 MB{mark} |", flush=True)
            print(compared(measure.compare(
                "softmin", "cleanlab in process", timed(ours), timed(theirs), rounds=options.rounds, at_most=1.3)))
            print(compared(measure.compare(
                "num_pixel_issues", "cleanlab in process", timed(ours, method="num_pixel_issues"),
                timed(theirs, method="num_pixel_issues", n_jobs=1), rounds=max(options.rounds // 3, 1), at_most=1 / 6)))
            body = data.form(arrays)[1]
            print(compared(measure.compare(
                "softmin", "the same bytes by a bare socket", timed(ours),
                functools.partial(measure.timed, functools.partial(sent_bare, address, body)), rounds=options.rounds,
                at_most=math.inf)))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
