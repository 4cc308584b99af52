"""A server of this process's own, which is started when it is first asked and ends with the process."""

from __future__ import annotations

import atexit
import os
import pathlib
import select
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from typing import IO

from segscore_program import find_program

from ._forks import this_process
from .errors import UnreachableError

START_SECONDS = 60.0  # The longest that a server may take to listen.
END_SECONDS = 10.0  # The longest that a server is waited for at the end of this process.
LOG_BYTES = 2000  # Of the end of the server's log, in errors.

# What a forked process closes: as long as it held the end of the pipe too, the server would live on with it.
_lifelines: set[int] = set()


def program() -> str | None:
    """The program that a server of one's own runs; None if there is none, or `SEGSCORE_SERVER` is `off`."""
    is_off = os.environ.get("SEGSCORE_SERVER", "").lower() == "off"
    return None if is_off or os.name != "posix" else find_program()


class RunningServer:
    """A server that a process has started.

    Its log is a file without a name, so that nothing is left of it, however the process ends.
    """

    def __init__(self, path: str):
        # The flags that this process's environment has for servers are for those that people start.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SEGSCORE_")}
        self._owner = this_process()
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as this.
        self._words = ""  # The end of the log, once it is closed.
        ready, told = os.pipe()
        ended, self._lifeline = os.pipe()
        _lifelines.add(self._lifeline)
        flags = ["--listen", "private", "--ready-fd", str(told), "--life-fd", str(ended), "--allow-client-memory"]
        flags += ["--log-level", "warning"]
        try:
            self._process = subprocess.Popen(
                [path, "serve", *flags],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._log,
                pass_fds=(told, ended),
                env=environment,
                start_new_session=True,  # Ctrl-C is for this process, which may go on.
            )
        except OSError as error:
            os.close(ready)
            self._close_lifeline()
            raise unreachable(f"The program {path} does not start: {error}") from error
        finally:
            os.close(told)
            os.close(ended)
        self.url = read_line(ready)
        os.close(ready)
        if not self.url:
            self.end()
            raise unreachable(f"{path} has not begun to listen.{self.last_words()}")

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def _path(self) -> pathlib.Path:
        return pathlib.Path(self.url[len("unix:") :])

    def has_ended(self) -> bool:
        """Whether the server is no more. In a process that was forked, nobody but its socket tells."""
        if self._owner == this_process():
            try:
                # The connection may be gone a moment before the process is.
                self._process.wait(timeout=1)
            except subprocess.TimeoutExpired:
                return False
            return True
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(1)
            try:
                probe.connect(str(self._path))
            except (ConnectionRefusedError, FileNotFoundError):
                return True
            except OSError:
                pass
        return False

    def last_words(self) -> str:
        """The end of the server's log on lines of their own, or nothing."""
        if not self._log.closed:
            self._words = self._read_log()
        return self._words

    def _read_log(self) -> str:
        size = os.fstat(self._log.fileno()).st_size
        text = os.pread(self._log.fileno(), LOG_BYTES, max(size - LOG_BYTES, 0)).decode(errors="replace").strip()
        return f" It wrote:\n{text}" if text else ""

    def end(self) -> None:
        """Ends the server, if this process has started it, and waits until it has ended. It is not used any more."""
        if self._owner == this_process():
            self._close_lifeline()
            try:
                self._process.wait(timeout=END_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            # A server that was killed has left them.
            if self.url:
                shutil.rmtree(self._path.parent, ignore_errors=True)
        self.last_words()
        self._log.close()

    def _close_lifeline(self) -> None:
        if self._lifeline in _lifelines:
            _lifelines.remove(self._lifeline)
            os.close(self._lifeline)


def read_line(descriptor: int) -> str:
    """The first line that comes from a pipe; empty if the pipe ends before, or nothing comes in time."""
    deadline = time.monotonic() + START_SECONDS
    text = b""
    # `select` refuses descriptors above 1023, which a process may have.
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    while b"\n" not in text:
        if not waiting.poll(max(deadline - time.monotonic(), 0) * 1000):
            return ""
        part = os.read(descriptor, 4096)
        if not part:
            return ""
        text += part
    return text.partition(b"\n")[0].decode()


def unreachable(detail: str) -> UnreachableError:
    return UnreachableError({"title": "No server", "detail": detail})


class OwnServer:
    """The server of this process. A process that was forked uses that of its parent as long as it is there."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: RunningServer | None = None

    def get(self) -> RunningServer:
        """The server, which is started if there is none.

        Raises
        ------
        UnreachableError
            There is no program, or it does not start.
        """
        with self._lock:
            if self._running is None:
                path = program()
                if path is None:
                    raise unreachable("There is no program to start a server by.")
                self._running = RunningServer(path)
            return self._running

    @property
    def running(self) -> RunningServer | None:
        return self._running

    def replace(self, server: RunningServer) -> bool:
        """Has another server be started by the next `get` if one has ended. Returns whether it has."""
        with self._lock:
            if self._running is not server:
                return True
            if not server.has_ended():
                return False
            server.end()
            self._running = None
            return True

    def end(self) -> None:
        """Ends the server, if this process has started it."""
        with self._lock:
            running, self._running = self._running, None
        if running is not None:
            running.end()

    def begin_fork(self) -> None:
        """Waits until no server is being started: a child would not know which end of a pipe to close."""
        self._lock.acquire()

    def end_fork(self) -> None:
        self._lock.release()


own_server = OwnServer()
atexit.register(own_server.end)


def _begin_child() -> None:
    """Leaves the server to the parent."""
    own_server.end_fork()
    for descriptor in _lifelines:
        os.close(descriptor)
    _lifelines.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=own_server.begin_fork, after_in_parent=own_server.end_fork, after_in_child=_begin_child)
