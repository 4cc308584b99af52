"""SIGTERM, again and again, under clients that do not let go."""

import collections
import random
import time

import load

TIMES = 40


def test_no_request_is_lost_when_the_server_is_told_to_stop(start_server):
    small, medium, large = (load.request_bytes(load.even_body(8, side)) for side in (8, 256, 512))
    total = collections.Counter()
    longest = 0
    for _ in range(TIMES):
        server = start_server("--drain-timeout", "10")
        kept, fresh = [small, small, medium, medium, large], [small, small, small, medium]
        with load.SteadyLoad(server.address, kept, fresh) as clients:
            time.sleep(0.2 + random.random() / 2)
            started = time.monotonic()
            server.terminate()
            assert server.stop() == 0
            longest = max(longest, time.monotonic() - started)
        assert not clients.lost(), clients.tally()
        total.update(clients.tally())
    print(f"\n{TIMES} drains: {dict(total)}, none lost; the longest took {longest:.2f} s")
    assert longest < 10
