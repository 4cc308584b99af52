"""Calls to the system that fail, and ends of the process in the middle of them."""

import errno
import subprocess

import pytest

import faults
from server import BINARY, PATIENCE, environment
from state import state_directory

COMMAND = ("serve", "--listen", "127.0.0.1:0")


@pytest.fixture
def state():
    with state_directory() as state:
        yield state


@pytest.fixture
def fault(state):
    """Faults in what a server does to its files."""
    with faults.faults(state.path, state.spool) as fault:
        yield fault


def start_to_its_end(state, fault):
    """Starts a server that is going to end by itself; returns how."""
    command = [BINARY, *COMMAND, "--spool-dir", state.spool, "--state-dir", state.path]
    with subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, env=environment(fault.environment)) as process:
        try:
            text, _ = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
    return process.returncode, text


@pytest.mark.parametrize("kind, sentence", [
    (faults.MKDIR, "Cannot create"), (faults.OPEN, "Cannot open"), (faults.WRITE, "Cannot open"),
], ids=["mkdir", "open", "write"])
def test_a_server_that_cannot_make_its_directory_says_so(state, fault, kind, sentence):
    fault.arm(kind, error=errno.EIO)
    status, text = start_to_its_end(state, fault)
    assert fault.hits == 1
    assert status == 64 and sentence in text and str(state.path) in text
