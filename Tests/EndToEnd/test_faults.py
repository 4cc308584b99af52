"""Calls to the system that fail, and ends of the process in the middle of them."""

import errno
import subprocess

import pytest

import faults
import ordeals
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
    with subprocess.Popen(
        list(map(str, command)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(fault.environment),
    ) as process:
        try:
            text, _ = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
    return process.returncode, text


@pytest.mark.parametrize("kind", [faults.MKDIR, faults.OPEN], ids=["mkdir", "open"])
def test_a_server_that_cannot_make_its_directory_says_so(state, fault, kind):
    fault.arm(kind, error=errno.EIO)
    status, text = start_to_its_end(state, fault)
    assert fault.hits == 1
    assert status == 64 and "Cannot " in text and str(state.path) in text


@pytest.fixture(scope="module")
def normal():
    return ordeals.undisturbed()


# Every call in its turn is for `Tests/Soak`: here there are some of each kind.


def test_a_server_of_which_a_call_fails_at_the_start_says_so_and_the_next_one_works(normal):
    ordeals.assert_well(ordeals.fail_starts(normal, stride=6))


def test_a_call_that_fails_costs_the_request_at_hand_at_most(normal):
    ordeals.assert_well(ordeals.fail_stories(normal, stride=14))


def test_the_next_start_works_though_one_is_killed_at_any_call(normal):
    ordeals.assert_well(ordeals.kill_starts(normal, stride=6))


def test_what_was_answered_holds_though_the_server_is_killed_at_any_call(normal):
    ordeals.assert_well(ordeals.kill_stories(normal, stride=17))


def test_what_was_answered_holds_though_a_server_that_stops_is_killed_at_any_call(normal):
    ordeals.assert_well(ordeals.kill_stops(normal, stride=1))


def test_what_was_answered_holds_though_the_power_goes(normal):
    ordeals.assert_well(ordeals.lose_power(normal.expected, stride=4, seeds=(None, 1)))
