"""How long a scoring request takes, against a server that reads the same bytes and drops them.

    python Benchmarks/wire.py [--binary .build/release/segscore] [--rounds 9]

Posts labels (8, 512, 512) int64 and pred_probs (8, 21, 512, 512) float32, 193 MB, as npz and as a form, to both servers in
turn, and prints the medians, their ratio, and the server's peak resident memory after the first post and after all. Needs NumPy. Times depend on the machine and what else it does; the ratio is what to look at.
"""
import argparse
import io
import multiprocessing
import re
import socket
import statistics
import subprocess
import time

import numpy as np

HEAD_END = b"\r\n\r\n"


def arrays() -> dict[str, np.ndarray]:
    """Coherent regions, and probabilities that mostly agree with them."""
    images, classes, side = 8, 21, 512
    random = np.random.default_rng(0)
    regions = random.integers(0, classes, (images, side // 32, side // 32))
    labels = regions.repeat(32, axis=1).repeat(32, axis=2)
    pred_probs = random.random((images, classes, side, side), dtype=np.float32)
    np.put_along_axis(pred_probs, labels[:, None], 3, axis=1)
    pred_probs /= pred_probs.sum(axis=1, keepdims=True)
    return {"labels": labels, "pred_probs": pred_probs}


def npz(named: dict[str, np.ndarray]) -> tuple[str, bytes]:
    file = io.BytesIO()
    np.savez(file, **named)
    return "application/x-npz", file.getvalue()


def form(named: dict[str, np.ndarray]) -> tuple[str, bytes]:
    body = io.BytesIO()
    for name, array in named.items():
        body.write(f'--edge\r\nContent-Disposition: form-data; name="{name}"; filename="{name}.npy"\r\n\r\n'.encode())
        np.save(body, array)
        body.write(b"\r\n")
    body.write(b"--edge--\r\n")
    return "multipart/form-data; boundary=edge", body.getvalue()


def read_head(connection: socket.socket) -> tuple[bytes, bytes]:
    """The head of a message, and what came behind it."""
    data = b""
    while HEAD_END not in data:
        data += connection.recv(65536)
    head, _, rest = data.partition(HEAD_END)
    return head, rest


def content_length(head: bytes) -> int:
    return int(re.search(rb"(?i)content-length: *(\d+)", head).group(1))


def drop(listener: socket.socket) -> None:
    """Answers each request when its body was read, and keeps nothing of it."""
    buffer = bytearray(1 << 20)
    while True:
        connection, _ = listener.accept()
        with connection:
            head, rest = read_head(connection)
            left = content_length(head) - len(rest)
            while left > 0:
                left -= connection.recv_into(buffer)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")


def post(port: int, media_type: str, body: bytes) -> float:
    """Seconds from connecting to the last byte of the answer."""
    start = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(
            f"POST /score HTTP/1.1\r\nHost: localhost\r\nContent-Type: {media_type}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode())
        connection.sendall(body)
        head, rest = read_head(connection)
        left = content_length(head) - len(rest)
        while left > 0:
            left -= len(connection.recv(1 << 20))
    assert b" 200 " in head.partition(b"\r\n")[0] + b" ", head
    return time.perf_counter() - start


def peak_megabytes(process: subprocess.Popen) -> float:
    with open(f"/proc/{process.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=".build/release/segscore")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()

    listener = socket.create_server(("127.0.0.1", 0))
    sink = multiprocessing.Process(target=drop, args=(listener,), daemon=True)
    sink.start()
    named = arrays()
    for name, (media_type, body) in {"npz": npz(named), "form": form(named)}.items():
        server = subprocess.Popen(
            [options.binary, "serve", "--listen", "127.0.0.1:0"], stderr=subprocess.PIPE, text=True)
        try:
            port = int(re.search(r"127\.0\.0\.1:(\d+)", server.stderr.readline()).group(1))
            post(port, media_type, body)
            print(f"{name:4}  peak resident memory {peak_megabytes(server):.0f} MB after the first post")
            pairs = [
                (post(port, media_type, body), post(listener.getsockname()[1], media_type, body))
                for _ in range(options.rounds)
            ]
            ours, dropped = (statistics.median(times) * 1000 for times in zip(*pairs))
            ratio = statistics.median(a / b for a, b in pairs)
            print(f"{name:4}  segscore {ours:.0f} ms, read and dropped {dropped:.0f} ms, ratio {ratio:.2f}")
            print(f"{name:4}  peak resident memory {peak_megabytes(server):.0f} MB with all results kept")
        finally:
            server.terminate()
            server.wait()
    sink.terminate()


main()
