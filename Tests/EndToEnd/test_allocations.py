"""Memory that there is not, at one place after the other that asks for some."""

import pytest

import ordeals
import story
from client import Client
from server import BINARY

# In the release build the Swift runtime is a part of the program, and ends it where it finds no memory.
pytestmark = pytest.mark.skipif("debug" not in BINARY.parts, reason="only a debug build tells who asks for memory")


def test_memory_that_there_is_not_costs_the_request_at_hand_at_most(start_server):
    with Client(start_server()) as client:
        expected = story.expected_results(client)
    ordeals.assert_well(ordeals.fail_allocations(expected, stride=8))
