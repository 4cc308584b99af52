"""Faults by count: a call of the program to the C library fails, or the process ends there; `faults.c` says how.

with faults(root) as fault:
    server = Server(..., env=fault.environment)
    fault.arm(FILES, at=3, error=errno.EIO)  # the fourth call from here on
    ...
    assert fault.hits, fault.hit
"""

import contextlib
import ctypes
import dataclasses
import errno
import functools
import mmap
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile

OPEN, WRITE, SYNC, RENAME, UNLINK, TRUNCATE, MKDIR, ALLOCATE, MAP = KINDS = [1 << kind for kind in range(9)]
# What changes a file or a directory, and may be refused.
CHANGES = WRITE | SYNC | RENAME | UNLINK | TRUNCATE | MKDIR
FILES = CHANGES | OPEN
MEMORY = ALLOCATE | MAP
FAIL, KILL_BEFORE, KILL_HALFWAY, KILL_AFTER, FAIL_SHORT, HOLD = range(1, 7)
# Whose allocations may fail: the program's own, and those of the C and C++ libraries that it stands on. The Swift
# runtime, Foundation and Dispatch are not among them: a failed allocation in these ends the process, whoever asked.
OURS = ("program", "libmicrohttpd", "libsqlite3", "libpng", "libz", "libisal", "libsimdjson", "libstdc++")


class Site(ctypes.Structure):
    """A place in the program from which memory was asked for."""

    _fields_ = [
        ("hash", ctypes.c_uint64),
        ("count", ctypes.c_uint64),
        ("kind", ctypes.c_uint64),
        ("depth", ctypes.c_uint64),
        ("frames", ctypes.c_uint64 * 8),
    ]


class Control(ctypes.Structure):
    """`struct control` of `faults.c`."""

    _fields_ = [
        (name, ctypes.c_uint64)
        for name in (
            "loaded",
            "kinds",
            "action",
            "error",
            "at",
            "times",
            "site",
            "minimum",
            "seen",
            "hits",
            "records_sites",
            "logged",
            "sent",
        )
    ]
    _fields_ += [
        ("counts", ctypes.c_uint64 * 16),
        ("hit", ctypes.c_char * 512),
        ("objects", ctypes.c_char * 256),
        ("names", (ctypes.c_char * 48) * 128),
        ("sites", Site * 8192),
    ]


class Faults:
    """What comes between a program and the C library."""

    def __init__(self, folder, *roots):
        self.folder = pathlib.Path(folder)
        self.path = self.folder / "control"
        self.log_path = self.folder / "log"
        self.path.write_bytes(bytes(ctypes.sizeof(Control)))
        with open(self.path, "r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 0)
        self.control = Control.from_buffer(self._memory)
        self.roots = [os.path.realpath(root) for root in roots]

    @property
    def environment(self):
        """What a process is given that may be hit."""
        log = {"FAULTS_LOG": str(self.log_path)} if self.log_path.exists() else {}
        return log | {
            "LD_PRELOAD": str(library()),
            "FAULTS_CONTROL": str(self.path),
            "FAULTS_ROOTS": ":".join(self.roots),
            "SWIFT_BACKTRACE": "enable=no",
        }

    def arm(self, kinds=FILES, at=0, action=FAIL, error=errno.EIO, times=1, site=0, objects=OURS, minimum=0):
        """Has a call be hit: that after `at` others of these kinds from now on, and as many as `times` in a row."""
        self.disarm()
        control = self.control
        control.kinds, control.error, control.at, control.times = kinds, error, at, times
        control.site, control.minimum, control.objects = site, minimum, ":".join(objects).encode()
        control.seen = control.hits = 0
        control.hit = b""
        control.action = action

    @contextlib.contextmanager
    def hold(self, kinds=SYNC):
        """Has all calls of some kinds wait meanwhile, as on a disk that takes its time."""
        self.arm(kinds, action=HOLD, times=1 << 62)
        try:
            yield
        finally:
            self.disarm()

    def disarm(self):
        self.control.action = 0

    @property
    def hits(self):
        return self.control.hits

    @property
    def hit(self):
        """The last call that was hit, in words."""
        return self.control.hit.decode(errors="replace")

    @property
    def seen(self):
        """How many calls of the kinds there were since the last `arm`."""
        return self.control.seen

    def count(self, kinds=FILES):
        """Counts calls from now on; `seen` says how many."""
        self.arm(kinds, at=1 << 62)

    @contextlib.contextmanager
    def sites(self, objects=OURS):
        """Takes down where memory is asked for meanwhile, by hash."""
        found = {}
        ctypes.memset(ctypes.byref(self.control.sites), 0, ctypes.sizeof(self.control.sites))
        self.control.objects = ":".join(objects).encode()
        self.control.records_sites = 1
        yield found
        self.control.records_sites = 0
        for site in self.control.sites:
            if site.hash:
                found[site.hash] = [
                    (self.control.names[frame >> 48].value.decode(), frame & (1 << 48) - 1)
                    for frame in site.frames[: site.depth]
                ]

    # What was done

    def keep_log(self):
        """Has programs that start from now on take down what they do."""
        self.log_path.touch()

    def log(self):
        """What was done until now."""
        return list(records(self.log_path.read_bytes()))

    def close(self):
        del self.control
        self._memory.close()


@contextlib.contextmanager
def faults(*roots):
    """Faults of calls that concern what is beneath some folders, or memory."""
    with tempfile.TemporaryDirectory(prefix="segscore-faults-") as folder:
        made = Faults(folder, *roots)
        try:
            yield made
        finally:
            made.close()


@functools.cache
def library():
    """The shared object, made anew for each process that asks: compilers differ from machine to machine."""
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))))
    folder = tempfile.TemporaryDirectory(prefix="segscore-faults-")
    library.folder = folder  # Removed with the process.
    target = pathlib.Path(folder.name) / "faults.so"
    source = pathlib.Path(__file__).with_suffix(".c")
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-ftls-model=initial-exec", "-o", target, source, "-ldl"], check=True
    )
    return target


# What was done to files

CREATED, WRITTEN, TRUNCATED, SYNCED, DIRECTORY_SYNCED, RENAMED, UNLINKED, MADE, REMOVED, SENT, COUNTED = range(1, 12)
HEAD = struct.Struct("<IIQQIIII")


@dataclasses.dataclass
class Record:
    """One thing that was done: to the file of a number, or to a name."""

    operation: int
    file: int
    offset: int
    name: str
    target: str
    data: bytes


def records(log):
    """The records of a log; one that the end of the process has cut off is none."""
    place = 0
    while place + HEAD.size <= len(log):
        magic, operation, file, offset, first, second, length, _ = HEAD.unpack_from(log, place)
        assert magic == 0xFA017
        place += HEAD.size
        parts = []
        for size in (first, second, length):
            parts.append(log[place : place + size])
            place += size
        if place <= len(log):
            yield Record(operation, file, offset, parts[0].decode(), parts[1].decode(), parts[2])


def calls(log):
    """The calls that were counted, in order: kind and path."""
    return [(1 << record.file, record.name) for record in log if record.operation == COUNTED]


def turning_points(calls, kinds=FILES, step=5):
    """The places among the calls of these kinds that are worth a fault of their own.

    Of a run of calls that do the same to the same file, as with the pages of a log, they are the first, the last
    and some between.
    """
    wanted = [call for call in calls if call[0] & kinds]
    points, since = [], 0
    for place, call in enumerate(wanted):
        since += 1
        if since >= step or wanted[place - 1 : place] != [call] or wanted[place + 1 : place + 2] != [call]:
            points.append(place)
            since = 0
    return points
