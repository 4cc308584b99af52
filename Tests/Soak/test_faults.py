"""Each call that fails, each end and each loss of power of `Tests/EndToEnd/test_faults.py`, and not just some.

On a debug build: there it can be told whose allocation it is that fails. That of the Swift runtime ends the process.
"""

import pytest

import ordeals
from server import BINARY


@pytest.fixture(scope="module")
def normal():
    return ordeals.undisturbed()


def test_calls_that_fail_at_the_start(normal):
    ordeals.assert_well(ordeals.fail_starts(normal, stride=1))


def test_calls_that_fail(normal):
    ordeals.assert_well(ordeals.fail_stories(normal, stride=1))


def test_ends_at_the_start(normal):
    ordeals.assert_well(ordeals.kill_starts(normal, stride=1))


@pytest.mark.parametrize("way", range(3), ids=["before", "within", "after"])
def test_ends(normal, way):
    ordeals.assert_well(ordeals.kill_stories(normal, stride=1, first_way=way))


@pytest.mark.parametrize("way", range(3), ids=["before", "within", "after"])
def test_ends_at_the_stop(normal, way):
    ordeals.assert_well(ordeals.kill_stops(normal, stride=1, first_way=way))


def test_losses_of_power(normal):
    ordeals.assert_well(ordeals.lose_power(normal.expected, stride=1, seeds=(None, *range(8))))


@pytest.mark.skipif("debug" not in BINARY.parts, reason="only a debug build tells whose allocation fails")
def test_memory_that_there_is_not(normal):
    ordeals.assert_well(ordeals.fail_allocations(normal.expected, stride=1))
