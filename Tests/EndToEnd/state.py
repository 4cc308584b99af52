"""State directories, the servers that use them one after the other, and disks that are full."""

import contextlib
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import tempfile

from client import Client
from server import Server, eventually

RESULTS = ["image_scores", "pixel_scores", "issues?threshold=0.3", "ranking?threshold=0.2", "summary", "regions"]
DECIDED = ["label_issues", "statistics"]  # Only of jobs that look for label issues.


class StateDirectory:
    """A state directory, its servers, of which one runs at a time, and a client of that one."""

    def __init__(self, path, spool):
        self.path = pathlib.Path(path)
        self.spool = pathlib.Path(spool)
        self.client = None

    def start(self, *flags, **options):
        """Starts a server, and returns a client of it."""
        return self.start_without("--state-dir", self.path, *flags, **options)

    def start_without(self, *flags, **options):
        """Starts a server that does not use the directory."""
        assert self.client is None
        self.client = Client(Server(self.spool, *flags, **options))
        return self.client

    def end(self, send=signal.SIGTERM):
        """Ends the server; one that is told to stop has to do so without complaint."""
        client, self.client = self.client, None
        client.close()
        assert client.server.stop(send) == (-send if send == signal.SIGKILL else 0), client.server.log[-5:]

    def restart(self, send, *flags, **options):
        self.end(send)
        return self.start(*flags, **options)

    def close(self):
        """Ends the server, if one runs; how is not the question any more."""
        if self.client:
            self.client.close()
            self.client.server.stop(signal.SIGKILL)

    def files(self):
        """The names of the files of arrays."""
        return sorted(path.name for path in (self.path / "arrays").iterdir())

    def size_of_files(self):
        """The bytes of the files of arrays, of which a server may remove some meanwhile."""
        total = 0
        for path in (self.path / "arrays").iterdir():
            with contextlib.suppress(FileNotFoundError):
                total += path.stat().st_size
        return total

    def has_files_only_of(self, *jobs):
        """Waits until there are files of just these jobs."""
        wanted = {job.removeprefix("/jobs/") for job in jobs}
        eventually(
            lambda: {name.partition("-")[0] for name in self.files()} == wanted,
            f"files of {wanted} alone, not {self.files()}",
        )


@contextlib.contextmanager
def state_directory(parent=None):
    """One that is removed in the end, beside what its servers spool."""
    with tempfile.TemporaryDirectory(prefix="segscore-") as spool:
        state = StateDirectory(pathlib.Path(parent or spool) / "state", pathlib.Path(spool) / "spool")
        state.spool.mkdir()
        try:
            yield state
        finally:
            state.close()


def wait_for_writes(client):
    """Returns when all is written that the server writes without being waited for: a promise is written after it."""
    job = client.post("/jobs")
    assert job.status_code == 201, job.text


def results(client, job, names=RESULTS + DECIDED):
    """All that a job answers, byte for byte but for its name."""
    own = job.removeprefix("/jobs/")
    answers = {}
    for name in names:
        answer = client.get(f"{job}/{name}")
        tag = answer.headers.get("ETag", "").replace(own, "{id}")
        answers[name] = (answer.status_code, tag, answer.content.replace(own.encode(), b"{id}"))
    return answers


# Disks that are full


class SmallDisk:
    """A file system in memory, which is filled by a file of its own."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.filler = self.path / "filler"

    def fill(self, server=None, leaving=0):
        """Leaves room for so many bytes and no more."""
        for size in (1 << 20, 4096):
            with open(self.filler, "ab", buffering=0) as file, contextlib.suppress(OSError):
                while True:
                    file.write(bytes(size))
        os.truncate(self.filler, self.filler.stat().st_size - leaving)

    def make_room(self, server=None):
        self.filler.unlink()

    @property
    def free_bytes(self):
        status = os.statvfs(self.path)
        return status.f_bavail * status.f_frsize


class NoGrowth:
    """A disk that is as full to a server as one is, since none of its files may grow."""

    path = None

    def fill(self, server, leaving=0):
        """Has no file grow beyond so many bytes."""
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (leaving, resource.RLIM_INFINITY))

    def make_room(self, server):
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@contextlib.contextmanager
def small_disk(byte_count):
    """One of so many bytes; None where this process may not mount it."""
    path = tempfile.mkdtemp(prefix="segscore-disk-")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={byte_count},mode=700", "tmpfs", path]
    mounted = shutil.which("mount") and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        yield SmallDisk(path) if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", path], check=True)
        os.rmdir(path)
