"""What takes minutes: floods, drains, crowds, crashes, full disks and mixed traffic, over the loopback device, bounded
in count and time.

    make soak
    SOAK_MINUTES=5 make soak

`SEGSCORE` names the program, by default `.build/release/segscore`; `SOAK_MINUTES` is how long the mixed traffic goes
on, of which memory is judged from three on; `CRASH_ROUNDS` how often the server is killed, and `DISK_SECONDS` how long
its disk is full now and then. The clients and servers are those of `Tests/EndToEnd`, where short forms of the same
tests are in `test_load.py` and `test_state.py`.
"""

import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
os.environ.setdefault("SEGSCORE", str(ROOT / ".build/release/segscore"))
sys.path.insert(0, str(ROOT / "Tests/EndToEnd"))

import pytest

from server import started_servers


@pytest.fixture
def start_server(tmp_path_factory):
    """Starts servers that end with the test, each of them with exit status 0."""
    yield from started_servers(tmp_path_factory)
