"""Servers, clients and arrays for the tests.

    pip install ./Clients/python -r Clients/python/tests/requirements.txt
    swift build && python -m pytest Clients/python/tests

`SEGSCORE` names the program, by default `.build/debug/segscore`. `Tests/EndToEnd/server.py` starts it.
"""

import pathlib
import sys

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "Tests/EndToEnd"))

import segscore
from server import BINARY, started_servers


def pytest_sessionstart(session):
    if not session.config.option.collectonly and not BINARY.exists():
        pytest.exit(f"There is no {BINARY}; build it, or name another with SEGSCORE.", returncode=2)


@pytest.fixture(scope="session")
def start_server(tmp_path_factory):
    """Starts servers that end with the tests, each of them with exit status 0."""
    yield from started_servers(tmp_path_factory)


@pytest.fixture(scope="session")
def server(start_server, tmp_path_factory):
    """A server on a port and on a socket."""
    path = tmp_path_factory.mktemp("socket") / "s"
    server = start_server("--listen", f"unix:{path}")
    server.url, server.socket_url = f"http://127.0.0.1:{server.port}", f"unix:{path}"
    return server


@pytest.fixture(autouse=True)
def configured(server, monkeypatch):
    """Has the functions of `segscore.segmentation` ask the server."""
    monkeypatch.setattr("segscore._config._client", None)
    for name in ("SEGSCORE_API_KEY", "SEGSCORE_CA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SEGSCORE_URL", server.url)


@pytest.fixture
def client(server):
    with segscore.Client(server.url) as client:
        yield client


@pytest.fixture
def small_client(server):
    """One that sends an image or two at a time."""
    with segscore.Client(server.url, batch_bytes=20_000) as client:
        yield client


@pytest.fixture(scope="session")
def arrays():
    """Seven images of four classes, about which the model and the labels disagree here and there."""
    return sample(7, 4, 24, 18)


@pytest.fixture
def job(client, arrays):
    """A job with label issues and a threshold, of the arrays of the module."""
    return client.submit(*arrays, method="num_pixel_issues", threshold=0.25).wait(20)


def sample(images, classes, height, width, dtype=np.float32, seed=0):
    """Labels and probabilities without equal scores, but for those that float16 makes equal."""
    random = np.random.default_rng([seed, images, classes, height, width])
    seen = random.integers(0, classes, (images, -(-height // 4), -(-width // 4)))
    seen = seen.repeat(4, axis=1).repeat(4, axis=2)[:, :height, :width]
    labels = np.where(random.random(seen.shape) < 0.15, random.integers(0, classes, seen.shape), seen)
    weights = random.random((images, classes, height, width)) + 1e-3
    own = np.take_along_axis(weights, seen[:, None], axis=1) + 2 * random.random((images, 1, height, width))
    np.put_along_axis(weights, seen[:, None], own, axis=1)
    return labels.astype(np.uint8), (weights / weights.sum(axis=1, keepdims=True)).astype(dtype)
