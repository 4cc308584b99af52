"""Calls to the system that fail, and ends of the process in the middle of them."""

import errno
import subprocess

import pytest

import faults
import ordeals
import story
from client import Client
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
def expected(start_server):
    """What a server answers to which nothing happens."""
    with Client(start_server()) as client:
        return story.expected_results(client)


@pytest.fixture(scope="module")
def calls(expected):
    """The calls of a start, of a story and of a stop, in order."""
    return ordeals.calls_of(expected)


# Every call in its turn is for `Tests/Soak`: here there are some of each kind.


def test_a_server_of_which_a_call_fails_at_the_start_says_so_and_the_next_one_works(calls):
    ordeals.assert_well(ordeals.fail_starts(calls[0], stride=6))


def test_a_call_that_fails_costs_the_request_at_hand_at_most(expected, calls):
    ordeals.assert_well(ordeals.fail_stories(expected, calls[1], stride=14))


def test_the_next_start_works_though_one_is_killed_at_any_call(calls):
    ordeals.assert_well(ordeals.kill_starts(calls[0], stride=6))


def test_what_was_answered_holds_though_the_server_is_killed_at_any_call(expected, calls):
    ordeals.assert_well(ordeals.kill_stories(expected, calls[1], stride=17))


def test_what_was_answered_holds_though_a_server_that_stops_is_killed_at_any_call(expected, calls):
    ordeals.assert_well(ordeals.kill_stops(expected, calls[2], stride=1))


def test_what_was_answered_holds_though_the_power_goes(expected):
    ordeals.assert_well(ordeals.lose_power(expected, stride=4, seeds=(None, 1)))
