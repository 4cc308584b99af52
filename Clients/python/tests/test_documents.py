"""The examples of the package's README, and those of the project's documents that import it, run as printed."""

import os
import subprocess
import sys

import pytest

from conftest import ROOT
from documents import GUIDES, examples
from server import BINARY

PACKAGE = ROOT / "Clients/python/README.md"
EXAMPLES = [example for example in examples([PACKAGE, *GUIDES]) if example.needs_the_package]


def test_every_example_shows_its_output():
    assert [example.name for example in EXAMPLES if example.form != "text"] == []
    assert PACKAGE.read_text().count("```python\n") == sum(example.document == PACKAGE for example in EXAMPLES) == 5
    assert len(EXAMPLES) > 4


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"{example.document.parent.name}/{example.name}")
def test_an_example_prints_what_is_shown(server, example):
    # The engine of blocks lies beside the program.
    environment = {**os.environ, "SEGSCORE_URL": server.url, "SEGSCORE_PROGRAM": str(BINARY)}
    result = subprocess.run(
        [sys.executable, "-c", example.code.replace("http://127.0.0.1:8080", server.url)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == example.shown
