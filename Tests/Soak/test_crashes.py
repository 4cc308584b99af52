"""SIGKILL at any moment, `CRASH_ROUNDS` times (100), on one state directory: nothing that was promised is lost."""

import os

import crashes
from client import Client
from state import state_directory

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "100"))


def test_nothing_that_was_promised_is_lost_to_many_crashes(start_server):
    with state_directory() as state, Client(start_server()) as plain:
        report = crashes.run(state, plain, ROUNDS, seed=2)
    print(f"\n{report}")
    assert report.wrong == []
    assert report.returned == [], report.returned
    assert ROUNDS < 20 or report.run_again > 0
