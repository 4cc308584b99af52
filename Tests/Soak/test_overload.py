"""200 posts of 22 MB at the same moment, into a server that has a quarter of a gigabyte for arrays."""

import time

import pytest

import load
from client import Client

MEGABYTE = 1 << 20
LIMIT = 512 * MEGABYTE
COUNT = 200


@pytest.mark.parametrize("flags", [(), ("--backlog", "1000")], ids=["places run out", "memory runs out"])
@pytest.mark.parametrize("is_hard", [True, False], ids=["address space", "resident"])
def test_a_flood_of_large_bodies_is_answered_within_memory(start_server, flags, is_hard):
    """With `is_hard` the kernel gives the process no more than the limit. The C library sets aside 64 MiB of addresses
    for each arena of its heap, so there are to be few of these."""
    server = start_server("--memory-budget", "256MiB", *flags, env={"MALLOC_ARENA_MAX": "2"} if is_hard else None)
    if is_hard:
        server.limit_address_space(LIMIT)
    request = load.request_bytes(load.even_body(21, 512))
    assert len(request) > 20 * MEGABYTE
    with Client(server) as client:
        assert client.get("/readyz").status_code == 200
        started = time.monotonic()
        outcomes = load.flood(server.address, request, COUNT)
        seconds = time.monotonic() - started
        peak = server.peak_resident_bytes
        print(
            f"\n{dict(load.tally(outcomes))} in {seconds:.1f} s, peak of {peak / MEGABYTE:.0f} MiB, "
            f"{server.address_space_bytes / MEGABYTE:.0f} MiB of addresses"
        )
        assert len(outcomes) == COUNT
        assert set(load.tally(outcomes)) == {200, 503}
        assert all(outcome.retry_after for outcome in outcomes if outcome.status == 503)
        assert peak <= LIMIT
        time.sleep(1)
        assert client.get("/readyz").status_code == 200
        assert load.tally(load.flood(server.address, request, 1)) == {200: 1}
