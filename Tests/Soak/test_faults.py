"""Each call that fails, each end and each loss of power of `Tests/EndToEnd/test_faults.py`, and not just some.

On a debug build: there it can be told whose allocation it is that fails. That of the Swift runtime ends the process.
"""

import pytest

import ordeals
import story
from server import BINARY


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    with ordeals.state_directory() as state:
        answers = story.expected_results(state.start())
        state.end()
    return answers


@pytest.fixture(scope="module")
def calls(expected):
    return ordeals.calls_of(expected)


def test_calls_that_fail_at_the_start(calls):
    ordeals.assert_well(ordeals.fail_starts(calls[0], stride=1))


def test_calls_that_fail(expected, calls):
    ordeals.assert_well(ordeals.fail_stories(expected, calls[1], stride=1))


def test_ends_at_the_start(calls):
    ordeals.assert_well(ordeals.kill_starts(calls[0], stride=1))


@pytest.mark.parametrize("way", range(3), ids=["before", "within", "after"])
def test_ends(expected, calls, way):
    ordeals.assert_well(ordeals.kill_stories(expected, calls[1], stride=1, first_way=way))


@pytest.mark.parametrize("way", range(3), ids=["before", "within", "after"])
def test_ends_at_the_stop(expected, calls, way):
    ordeals.assert_well(ordeals.kill_stops(expected, calls[2], stride=1, first_way=way))


def test_losses_of_power(expected):
    ordeals.assert_well(ordeals.lose_power(expected, stride=1, seeds=(None, *range(8))))


@pytest.mark.skipif("debug" not in BINARY.parts, reason="only a debug build tells whose allocation fails")
def test_memory_that_there_is_not(expected):
    ordeals.assert_well(ordeals.fail_allocations(expected, stride=1))
