"""The README's examples run as printed and print what it shows."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

from conftest import ROOT

README = (pathlib.Path(__file__).parents[1] / "README.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```\n```text\n(.*?)```", README, re.DOTALL)


def test_every_example_shows_its_output():
    assert len(EXAMPLES) == README.count("```python\n") == 3


@pytest.mark.parametrize("code, shown", EXAMPLES, ids=["functions", "client", "loop"])
def test_an_example_prints_what_the_readme_shows(server, code, shown):
    environment = {**os.environ, "SEGSCORE_URL": server.url}
    result = subprocess.run(
        [sys.executable, "-c", code.replace("http://127.0.0.1:8080", server.url)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == shown
