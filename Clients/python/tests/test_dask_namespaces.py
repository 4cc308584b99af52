"""Workers in two network namespaces, as on two machines, find together what one machine finds."""

import contextlib
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest

from conftest import ROOT, sample
from server import BINARY, eventually

pytest.importorskip("distributed")

PATIENCE = 90  # Seconds after which something is taken not to happen. Processes that start take long on a busy machine.
# Addresses of the two ends, of a range that is kept for tests of networks (RFC 2544).
FIRST, SECOND = "198.18.0.1", "198.18.0.2"

# What runs beside the scheduler: finds label issues with both workers, and saves them and how many tasks each has done.
JOB = """
import sys
import dask.array as da
import numpy as np
from distributed import Client
import segscore.dask as sd

scheduler, folder = sys.argv[1:]
with Client(scheduler, timeout=90) as client:
    client.wait_for_workers(2, 90)
    arrays = [np.load(f"{folder}/{name}.npy") for name in ("labels", "pred_probs")]
    labels, pred_probs = (da.from_array(array, chunks=(2, *array.shape[1:])) for array in arrays)
    np.save(f"{folder}/issues.npy", sd.find_label_issues(labels, pred_probs).compute())
    done = client.run(lambda dask_worker: dask_worker.state.executed_count)
    moved = client.run(lambda dask_worker: dask_worker.state.transfer_incoming_count_total)
    for address in sorted(done):
        print(address, done[address], moved[address])
"""


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


def why_not():
    """Why there are no namespaces here; None if there are."""
    if os.geteuid() != 0 or not shutil.which("ip"):
        return "network namespaces need root and the command ip"
    name = f"segscore-{secrets.token_hex(4)}"
    tried = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        return f"network namespaces cannot be made here: {tried.stderr.strip()}"
    ip("netns", "delete", name)
    return None


class Machine:
    """A network namespace, and what runs in it.

    Parameters
    ----------
    name : str
        Its name.
    address : str
        The address of its end of the link.
    """

    def __init__(self, name, address):
        self.name = name
        self.address = address
        self._processes = []
        ip("netns", "add", name)

    def link(self, device):
        """Brings up the loopback and the end of the link, which is in the namespace already."""
        ip("-netns", self.name, "link", "set", "lo", "up")
        ip("-netns", self.name, "address", "add", f"{self.address}/30", "dev", device)
        ip("-netns", self.name, "link", "set", device, "up")

    def command(self, *arguments):
        return ["ip", "netns", "exec", self.name, sys.executable, *arguments]

    def start(self, log, *arguments):
        """Starts a command of Dask that runs until the machine ends, and returns where its log is."""
        environment = {**os.environ, "SEGSCORE_PROGRAM": str(BINARY)}
        with log.open("w") as file:
            command = self.command("-m", "dask", *arguments)
            # `ip netns exec` becomes the command, so that signals reach it.
            self._processes.append(subprocess.Popen(command, env=environment, cwd=log.parent, stdout=file, stderr=file))
        return log

    def end(self):
        """Ends what runs in it, and removes it."""
        for process in self._processes:
            process.send_signal(signal.SIGTERM)
        for process in self._processes:
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        ip("netns", "delete", self.name)


@pytest.fixture
def machines():
    """Two machines that are joined by a link."""
    if reason := why_not():
        pytest.skip(reason)
    token = secrets.token_hex(3)
    with contextlib.ExitStack() as stack:
        both = []
        for number, address in enumerate((FIRST, SECOND)):
            both.append(Machine(f"segscore-{token}-{number}", address))
            stack.callback(both[-1].end)
        first, second = both
        # Names of devices have at most 15 characters. The link goes with the namespaces that it is in.
        ends = [f"seg{token}{number}" for number in (0, 1)]
        ip("-netns", first.name, "link", "add", ends[0], "type", "veth", "peer", ends[1], "netns", second.name)
        for machine, device in zip(both, ends):
            machine.link(device)
        yield both


def said(log, pattern):
    """The first group of a pattern in a log, which is waited for."""
    found = eventually(lambda: re.search(pattern, log.read_text()), f"{pattern} in {log}", PATIENCE)
    return found[1]


def test_two_machines_find_what_one_finds(machines, client, tmp_path):
    labels, pred_probs = sample(12, 4, 24, 18, np.float16)
    expected = client.score(labels, pred_probs, method="num_pixel_issues").label_issues
    np.save(tmp_path / "labels.npy", labels)
    np.save(tmp_path / "pred_probs.npy", pred_probs)
    first, _ = machines
    log = first.start(tmp_path / "scheduler", "scheduler", "--host", FIRST, "--port", "0", "--no-dashboard")
    scheduler = said(log, r"Scheduler at:\s+(tcp://\S+)")
    assert scheduler.startswith(f"tcp://{FIRST}:")
    for machine in machines:
        flags = ("--host", machine.address, "--nthreads", "1", "--no-nanny", "--no-dashboard")
        folder = tmp_path / machine.name
        machine.start(tmp_path / f"{machine.name}.log", "worker", scheduler, *flags, "--local-directory", str(folder))
    result = subprocess.run(
        first.command("-c", JOB, scheduler, str(tmp_path)),
        env={**os.environ, "SEGSCORE_PROGRAM": str(BINARY)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=2 * PATIENCE,
    )
    assert result.returncode == 0, result.stderr
    assert np.array_equal(np.load(tmp_path / "issues.npy"), expected) and expected.any()
    rows = [line.split() for line in result.stdout.splitlines()]
    # Both have worked, and something has gone from one to the other.
    assert [re.fullmatch(r"tcp://(\S+):\d+", address)[1] for address, _, _ in rows] == [FIRST, SECOND]
    assert all(int(done) > 0 for _, done, _ in rows) and any(int(moved) > 0 for _, _, moved in rows)


def test_nothing_is_left_of_machines_that_fail(request):
    """Namespaces go, and what runs in them, whatever happens."""
    if reason := why_not():
        pytest.skip(reason)
    before = subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout
    with pytest.raises(RuntimeError, match="on purpose"), contextlib.ExitStack() as stack:
        machine = Machine(f"segscore-{secrets.token_hex(4)}", FIRST)
        stack.callback(machine.end)
        process = subprocess.Popen(machine.command("-c", "import signal; signal.pause()"))
        machine._processes.append(process)
        raise RuntimeError("on purpose")
    assert process.poll() is not None
    assert subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout == before
