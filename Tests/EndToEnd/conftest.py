"""Servers and clients for the suites, and the order in which these run.

    pip install -r Tests/EndToEnd/requirements.txt
    swift build && pytest Tests/EndToEnd

`SEGSCORE` names the program, by default `.build/debug/segscore`; `SEGSCORE_REAL_DATA` a folder for `test_real_data.py`.
"""

import pytest

import cleanlab_cases
from client import Client
from label_issue_cases import BODY, job_of
from server import BINARY, eventually, started_servers
from state import NoGrowth, small_disk, state_directory


def pytest_collection_modifyitems(items):
    """The contract is checked last, against everything that the other tests were answered."""
    items.sort(key=lambda item: item.path.name == "test_contract.py")


def pytest_sessionstart(session):
    if not session.config.option.collectonly and not BINARY.exists():
        pytest.exit(f"There is no {BINARY}; build it, or name another with SEGSCORE.", returncode=2)


def pytest_terminal_summary(terminalreporter):
    if cleanlab_cases.TALLY:
        terminalreporter.write_line(cleanlab_cases.summary())


@pytest.fixture(scope="module")
def start_server(tmp_path_factory):
    """Starts servers that end with the module, each of them with exit status 0."""
    yield from started_servers(tmp_path_factory)


@pytest.fixture(scope="module")
def server(start_server):
    """A server as it comes."""
    return start_server()


@pytest.fixture(scope="module")
def client(server):
    with Client(server) as client:
        yield client


@pytest.fixture(scope="module")
def job(client):
    """The path of a job that has label issues, and no threshold of its own."""
    return job_of(client)


@pytest.fixture(scope="module")
def softmin_job(client):
    """The path of a job over the same arrays that has none."""
    return client.scored(BODY)["links"]["self"]


@pytest.fixture
def leaves_nothing(client):
    """Makes sure that a test leaves no job and no file that was not there before."""
    before = client.job_ids()
    yield
    eventually(lambda: client.job_ids() == before, "no job is left")
    eventually(lambda: client.server.spooled_files() == [], "no file is left")


@pytest.fixture(params=["disk", "files"])
def full(request):
    """A way for a disk to be full, and a state directory on it."""
    with small_disk(32 << 20) as disk:
        if request.param == "disk" and disk is None:
            pytest.skip("a file system can be mounted by root only")
        way = disk if request.param == "disk" else NoGrowth()
        with state_directory(way.path) as state:
            yield way, state
