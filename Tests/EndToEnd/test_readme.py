"""The README's examples run as printed and print what it shows, and its table of flags is the program's."""

import json
import re
import shutil
import subprocess
import sys

import pytest

from server import BINARY, ROOT, run

README = (ROOT / "README.md").read_text()
SECTIONS = "".join(
    README.partition(f"\n## {title}\n")[2].partition("\n## ")[0] for title in ("Examples", "Open Inference Protocol")
)
EXAMPLES = re.findall(r"```(sh|python)\n(.*?)```\n```text\n(.*?)```", SECTIONS, re.DOTALL)


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
    assert len(EXAMPLES) == len(re.findall(r"^```(?:sh|python)$", SECTIONS, re.MULTILINE)) > 4


def run_example(server, checkout, language, code):
    """What the example prints."""
    code = code.replace("127.0.0.1:8080", f"127.0.0.1:{server.port}")
    interpreter = [sys.executable, "-c"] if language == "python" else [shutil.which("bash"), "-euc"]
    environment = {"PATH": f"{checkout / 'bin'}:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    if language == "sh":
        # The link to an environment's interpreter has to find that environment's packages.
        environment["PYTHONPATH"] = ":".join(path for path in sys.path if path)
    result = subprocess.run(
        [*interpreter, code], cwd=checkout, env=environment, capture_output=True, check=False, text=True, timeout=60
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize("language, code, shown", EXAMPLES)
def test_an_example_prints_what_the_readme_shows(server, checkout, language, code, shown):
    assert run_example(server, checkout, language, code) == shown


def named(text):
    """The names of all members in a JSON text, which may be abridged."""
    return set(re.findall(r'"(\w+)" *:', text))


def test_the_first_request_is_answered_as_the_readme_shows(server, checkout):
    code, shown = re.search(r"```sh\n(.*?)```.*?```json\n(.*?)```", README, re.DOTALL).groups()
    answer = json.loads(run_example(server, checkout, "sh", code))
    scores = [float(text) for text in re.search(r'"image_scores":\[([^…]*),…', shown)[1].split(",")]
    assert answer["image_scores"][: len(scores)] == pytest.approx(scores, rel=1e-12)
    assert json.loads(re.search(r'"shape":({.*?})', shown)[1]) == answer["shape"]
    assert named(shown) <= named(json.dumps(answer))


def described_flags():
    """Flag and default of each line of the README's table."""
    table = README.partition("\n## The server's flags\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(--[a-z-]+)` \| ([^|]*) \|", table, re.MULTILINE)
    return {flag: default.strip("` ") for flag, default in rows}


def flags_of_the_program():
    """Flag and default, or None, as `serve --help` lists them."""
    text = run("serve", "--help").stdout.partition("OPTIONS:")[2].partition("  --version")[0]
    parts = re.split(r"^  (--[a-z-]+)(?: <[a-z-]+>)?", text, flags=re.MULTILINE)
    defaults = (re.search(r"default: ([^)]+)\)$", " ".join(part.split())) for part in parts[2::2])
    return dict(zip(parts[1::2], (found and found[1] for found in defaults)))


def test_every_flag_is_in_the_table_with_its_default():
    described, flags = described_flags(), flags_of_the_program()
    assert described.keys() == flags.keys()
    for flag, default in flags.items():
        if default is not None:
            assert described[flag] == default.removesuffix(".0"), flag
