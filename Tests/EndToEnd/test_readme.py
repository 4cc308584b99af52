"""The README's examples run as printed, and print what it shows."""
import re
import shutil
import subprocess
import sys

import pytest

from server import BINARY, ROOT

README = (ROOT / "README.md").read_text()
SECTION = README.partition("\n## Examples\n")[2].partition("\n## ")[0]
EXAMPLES = re.findall(r"```(sh|python)\n(.*?)```\n```text\n(.*?)```", SECTION, re.DOTALL)


@pytest.fixture
def checkout(tmp_path):
    """A folder that looks like the project's own, where examples may leave files."""
    (tmp_path / "Examples").symlink_to(ROOT / "Examples")
    release = tmp_path / ".build/release"
    release.mkdir(parents=True)
    (release / "segscore").symlink_to(BINARY)
    # `python3` is the one that has NumPy.
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python3").symlink_to(sys.executable)
    return tmp_path


def test_every_example_shows_its_output():
    assert len(EXAMPLES) == len(re.findall(r"^```(?:sh|python)$", SECTION, re.MULTILINE)) > 4


@pytest.mark.parametrize("language, code, shown", EXAMPLES)
def test_an_example_prints_what_the_readme_shows(server, checkout, language, code, shown):
    code = code.replace("127.0.0.1:8080", f"127.0.0.1:{server.port}")
    interpreter = [sys.executable, "-c"] if language == "python" else [shutil.which("bash"), "-euc"]
    environment = {"PATH": f"{checkout / 'bin'}:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    if language == "sh":
        # The link to an environment's interpreter has to find that environment's packages.
        environment["PYTHONPATH"] = ":".join(path for path in sys.path if path)
    result = subprocess.run(
        [*interpreter, code], cwd=checkout, env=environment, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    assert result.stdout == shown
