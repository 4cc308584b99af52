"""Starts the real program, reads its log, and asks the kernel how it is doing."""

import os
import pathlib
import re
import resource
import signal
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("SEGSCORE", ROOT / ".build/debug/segscore")).resolve()
PORT = re.compile(r"127\.0\.0\.1:(\d+)")
PATIENCE = 20  # Seconds after which something that should happen is taken not to; nothing waits as long if all is well.


def environment(extra=None):
    """This process's environment without any setting of the program, and with those of `extra`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SEGSCORE")}
    return kept | (extra or {})


def run(*arguments, env=None, timeout=PATIENCE, prefix=()):
    """Runs the program to its end."""
    command = [*prefix, BINARY, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=False, text=True, env=environment(env), timeout=timeout)


def eventually(condition, message, seconds=PATIENCE):
    """Asks until the answer is truthy, and returns it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if result := condition():
            return result
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {message}")


class NotStartedError(AssertionError):
    """A server has ended before it listened."""

    def __init__(self, status, log):
        super().__init__(f"it ended with {status}:\n" + "\n".join(log))
        self.status = status
        self.log = log


class Server:
    """One `segscore serve`. Whatever addresses `listen` or `env` name, one is a free port of 127.0.0.1."""

    def __init__(self, spool, *flags, env=None, listen=("127.0.0.1:0",), file_size_limit=None, prefix=()):
        self.spool = pathlib.Path(spool)
        self.has_faults = "LD_PRELOAD" in (env or {})
        self.log = []
        self._log_grew = threading.Condition()
        command = [
            *prefix,
            BINARY,
            "serve",
            "--spool-dir",
            self.spool,
            *(f for a in listen for f in ("--listen", a)),
            *flags,
        ]
        self.process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=environment(env),
            # SIGXFSZ stays ignored, as Python has it: a write beyond the limit of files' sizes fails, and kills nobody.
            restore_signals=False,
        )
        if file_size_limit is not None:
            resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (file_size_limit, file_size_limit))
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        try:
            line = self.wait_for_log("listening", PORT)
        except AssertionError:
            if self.process.poll() is not None:
                raise NotStartedError(self.process.returncode, self.log) from None
            self.process.kill()
            raise
        self.port = int(PORT.search(line)[1])
        self.address = ("127.0.0.1", self.port)

    def _read_log(self):
        for line in self.process.stdout:
            with self._log_grew:
                self.log.append(line.rstrip("\n"))
                self._log_grew.notify_all()
        self.process.wait()
        with self._log_grew:
            self._log_grew.notify_all()

    def wait_for_log(self, text, pattern=re.compile("")):
        """The first line of the log that holds `text` and fits `pattern`."""
        line = None

        def seen():
            nonlocal line
            line = next((line for line in self.log if text in line and pattern.search(line)), None)
            return line is not None or self.process.poll() is not None

        with self._log_grew:
            self._log_grew.wait_for(seen, PATIENCE)
        assert line is not None, f"no line with {text!r} in the log:\n" + "\n".join(self.log)
        return line

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def stop(self, send=signal.SIGTERM):
        """Asks the server to end; returns its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(send)
        try:
            status = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError("the server did not end:\n" + "\n".join(self.log[-30:])) from None
        self._reader.join(PATIENCE)
        return status

    def spooled_files(self):
        return [path for path in self.spool.rglob("*") if path.is_file()]

    def _status_bytes(self, name):
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)[1]) * 1024

    @property
    def resident_bytes(self):
        return self._status_bytes("VmRSS")

    @property
    def address_space_bytes(self):
        return self._status_bytes("VmSize")

    @property
    def peak_resident_bytes(self):
        """The most memory since the start or the last `forget_peak`."""
        return self._status_bytes("VmHWM")

    def forget_peak(self):
        pathlib.Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def limit_address_space(self, byte_count):
        resource.prlimit(self.process.pid, resource.RLIMIT_AS, (byte_count, byte_count))


def started_servers(tmp_path_factory):
    """What a fixture yields from: starts servers that end with it, each of them with exit status 0."""
    started = []

    def start(*flags, **options):
        server = Server(tmp_path_factory.mktemp("spool"), *flags, **options)
        started.append(server)
        return server

    yield start
    statuses = [server.stop() for server in started]
    assert statuses == [0] * len(started)
