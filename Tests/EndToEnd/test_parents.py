"""Servers that a program starts for itself: inherited sockets, and pipes that tell of beginning and end."""

import contextlib
import os
import pathlib
import select
import signal
import socket
import stat
import subprocess
import sys
import time

import pytest

from client import curl
from server import BINARY, PATIENCE, environment, eventually, run

BODY = '{"labels": [[[0, 1]]], "pred_probs": [[[[0.9, 0.8]], [[0.1, 0.2]]]]}'


@contextlib.contextmanager
def started(*flags, pass_fds=(), **variables):
    """A process of `segscore serve`, which is killed in the end if it has not ended."""
    process = subprocess.Popen(
        [BINARY, "serve", *map(str, flags)],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        pass_fds=pass_fds,
        env=environment(variables),
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def said(descriptor):
    """All that is written to a pipe until its end, which has to come soon."""
    text = b""
    while True:
        assert select.select([descriptor], [], [], PATIENCE)[0], f"only {text} was written"
        part = os.read(descriptor, 1 << 16)
        if not part:
            return text.decode()
        text += part


@contextlib.contextmanager
def listening(kind, folder):
    """A socket that listens, with what curl needs to find it, and its address."""
    if kind == "tcp":
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            yield listener, ["--connect-to", f"::127.0.0.1:{port}"], f"127.0.0.1:{port}"
    else:
        path = folder / "socket"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
            listener.listen()
            yield listener, ["--unix-socket", str(path)], f"unix:{path}"


@contextlib.contextmanager
def unfinished_request(path):
    """A request under way, of which the last bytes do not come."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(b"POST /score HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{")
        time.sleep(0.3)
        yield


def score(where):
    done = subprocess.run(
        ["curl", "-sS", "--max-time", str(PATIENCE), *where, "-d", BODY, "http://localhost/score"],
        capture_output=True,
        check=True,
    )
    assert b"image_scores" in done.stdout


@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_an_inherited_socket_serves_and_outlives_the_server(kind, tmp_path):
    with listening(kind, tmp_path) as (listener, where, address):
        read, write = os.pipe()
        flags = ("--listen", f"fd:{listener.fileno()}", "--ready-fd", write)
        with started(*flags, pass_fds=(listener.fileno(), write)) as process:
            os.close(write)
            assert said(read) == address + "\n"
            os.close(read)
            score(where)
            process.terminate()
            assert process.wait(PATIENCE) == 0
            assert f"address={address}" in process.stderr.read()
        # Whoever calls between two servers is answered by the second, as under systemd.
        with subprocess.Popen(
            ["curl", "-sS", "--max-time", str(PATIENCE), *where, "-d", BODY, "http://localhost/score"],
            stdout=subprocess.PIPE,
        ) as waiting:
            time.sleep(0.2)
            assert waiting.poll() is None
            with started("--listen", f"fd:{listener.fileno()}", pass_fds=(listener.fileno(),)) as process:
                assert b"image_scores" in waiting.communicate(timeout=PATIENCE)[0]
                assert waiting.returncode == 0
                process.terminate()
                assert process.wait(PATIENCE) == 0
        assert kind == "tcp" or (tmp_path / "socket").exists()


def test_a_server_that_drains_leaves_new_callers_to_others(tmp_path):
    """It neither takes them nor looks for them over and over."""
    with listening("unix", tmp_path) as (listener, _, _):
        flags = ("--listen", f"fd:{listener.fileno()}", "--drain-timeout", "3")
        with started(*flags, pass_fds=(listener.fileno(),)) as process:
            eventually(lambda: "listening" in process.stderr.readline(), "it listens")
            with unfinished_request(tmp_path / "socket"):
                process.terminate()
                time.sleep(0.3)
                before = sum(os.times()[2:4])
                with socket.socket(socket.AF_UNIX) as waiting:
                    waiting.connect(str(tmp_path / "socket"))
                    waiting.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    listener.settimeout(PATIENCE)
                    accepted, _ = listener.accept()
                    with accepted:
                        assert accepted.recv(3) == b"GET"
                # A second caller is left alone, and watched by nobody.
                with socket.socket(socket.AF_UNIX) as waiting:
                    waiting.connect(str(tmp_path / "socket"))
                    assert process.wait(PATIENCE) == 0
        spent = sum(os.times()[2:4]) - before
        assert spent < 1.5, f"it took {spent} s of processor time to wait for 3 s"


@pytest.mark.parametrize("end", ["closed", "killed"])
def test_a_server_ends_with_the_pipe_of_its_life(end, tmp_path):
    """Its jobs and requests are not waited for."""
    path = tmp_path / "socket"
    read, write = os.pipe()
    holder = None
    if end == "killed":
        holder = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], pass_fds=(write,))
        os.close(write)
    with started("--listen", f"unix:{path}", "--life-fd", read, pass_fds=(read,)) as process:
        os.close(read)
        eventually(path.exists, "it listens")
        with unfinished_request(path):
            assert process.poll() is None
            begin = time.monotonic()
            if holder is None:
                os.close(write)
            else:
                holder.kill()
                holder.wait()
            assert process.wait(PATIENCE) == 0
            assert time.monotonic() - begin < 10
        log = process.stderr.read()
        assert "--life-fd has ended" in log
        assert not path.exists()


def test_a_drain_ends_with_the_pipe_of_its_life(tmp_path):
    path = tmp_path / "socket"
    read, write = os.pipe()
    flags = ("--listen", f"unix:{path}", "--life-fd", read, "--drain-timeout", "600")
    with started(*flags, pass_fds=(read,)) as process:
        os.close(read)
        eventually(path.exists, "it listens")
        with unfinished_request(path):
            process.terminate()
            time.sleep(0.3)
            assert process.poll() is None
            os.write(write, b"what is written is passed over")
            time.sleep(0.3)
            assert process.poll() is None
            os.close(write)
            assert process.wait(PATIENCE) == 0


def test_a_reader_of_addresses_may_be_gone(tmp_path):
    path = tmp_path / "socket"
    read, write = os.pipe()
    os.close(read)
    with started("--listen", f"unix:{path}", "--ready-fd", write, pass_fds=(write,)) as process:
        os.close(write)
        eventually(path.exists, "it listens")
        score(["--unix-socket", str(path)])
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0


def test_all_addresses_are_told_with_the_ports_that_were_chosen(tmp_path):
    path = tmp_path / "socket"
    read, write = os.pipe()
    flags = ("--listen", "127.0.0.1:0", "--listen", f"unix:{path}", "--admin-listen", "127.0.0.1:0")
    with started(*flags, "--ready-fd", write, pass_fds=(write,)):
        os.close(write)
        first, second, last = said(read).splitlines()
        os.close(read)
        assert second == f"unix:{path}"
        for address, status in ((first, 200), (last, 404)):
            server = type("", (), {"port": int(address.rpartition(":")[2])})
            assert curl(server, "/score", "-d", BODY)[0] == status


@pytest.mark.parametrize("end", ["asked", "orphaned"])
def test_a_private_socket_lies_in_a_folder_that_ends_with_the_server(end, tmp_path):
    read, write = os.pipe()
    ended, life = os.pipe()
    flags = ("--listen", "private", "--ready-fd", write, "--life-fd", ended)
    with started(*flags, pass_fds=(write, ended), TMPDIR=str(tmp_path)) as process:
        os.close(write)
        os.close(ended)
        address = said(read).rstrip()
        os.close(read)
        path = pathlib.Path(address.removeprefix("unix:"))
        assert path.parent.parent == tmp_path
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        score(["--unix-socket", str(path)])
        if end == "asked":
            process.terminate()
        else:
            os.close(life)
        assert process.wait(PATIENCE) == 0
        assert os.listdir(tmp_path) == []
    if end == "asked":
        os.close(life)


def test_a_private_socket_goes_where_its_path_is_short_enough(tmp_path):
    long = tmp_path / ("x" * 100)
    long.mkdir()
    read, write = os.pipe()
    with started("--listen", "private", "--ready-fd", write, pass_fds=(write,), TMPDIR=str(long)) as process:
        os.close(write)
        path = pathlib.Path(said(read).rstrip().removeprefix("unix:"))
        os.close(read)
        assert path.parent.parent == pathlib.Path("/tmp")
        score(["--unix-socket", str(path)])
        process.terminate()
        assert process.wait(PATIENCE) == 0
        assert not path.parent.exists()


@pytest.mark.parametrize(
    "flags, word",
    [
        (("--listen", "fd:97"), "97 is none of a listening socket"),
        (("--listen", "fd:0"), "0 is none of a listening socket"),
        (("--listen", "fd:x"), "fd:x"),
        (("--life-fd", "97"), "--life-fd 97 is no open descriptor"),
        (("--ready-fd", "97"), "--ready-fd 97 is no open descriptor"),
        (("--ready-fd", "-1"), "--ready-fd"),
    ],
)
def test_descriptors_that_are_none_are_refused(flags, word):
    done = run("serve", *flags)
    assert done.returncode == 64
    assert word in done.stderr


def test_an_inherited_socket_that_others_can_reach_needs_keys():
    with socket.create_server(("0.0.0.0", 0)) as listener:
        done = subprocess.run(
            [BINARY, "serve", "--listen", f"fd:{listener.fileno()}"],
            capture_output=True,
            text=True,
            pass_fds=(listener.fileno(),),
            env=environment(),
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 64
        assert "Other machines can reach 0.0.0.0" in done.stderr
