"""All examples of the documents run as printed and print what is shown; tables, links and paths are the project's."""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from documents import DOCUMENTS, commands, examples, section, text_of
from server import BINARY, PATIENCE, ROOT, run

EXAMPLES = examples()
PLAIN = [example for example in EXAMPLES if example.form == "text" and not example.needs_the_package]
TRANSCRIPTS = [example for example in EXAMPLES if example.language == "console"]
# Commands of transcripts that do not run here, and what runs in place of others.
ELSEWHERE = ("docker ", "make test")
# The demonstration asks a server of its own.
INSTEAD = {"make demo": "env -u CURL_HOME -u SEGSCORE_LISTEN Scripts/demo"}


@pytest.fixture
def checkout(tmp_path):
    """A folder that looks like the project's own, where examples may leave files."""
    (tmp_path / "Examples").symlink_to(ROOT / "Examples")
    shutil.copytree(ROOT / "Scripts", tmp_path / "Scripts")
    release = tmp_path / ".build/release"
    release.mkdir(parents=True)
    (release / "segscore").symlink_to(BINARY)
    # `python3` is the one that has NumPy.
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python3").symlink_to(sys.executable)
    return tmp_path


def surroundings(checkout):
    """The environment of what a shell runs."""
    return {
        "PATH": f"{checkout / 'bin'}:/usr/bin:/bin",
        "LC_ALL": "C.UTF-8",
        # The link to an environment's interpreter has to find that environment's packages.
        "PYTHONPATH": ":".join(path for path in sys.path if path),
    }


def test_every_example_is_run():
    """By the tests here, or by those that are named below."""
    by_the_package = {example for example in EXAMPLES if example.needs_the_package and example.form == "text"}
    by_test_tls = {example for example in EXAMPLES if example.document.name == "security.md"}
    abridged = {example for example in EXAMPLES if example.form == "json"}
    found = {*PLAIN, *TRANSCRIPTS, *abridged, *by_the_package, *by_test_tls}
    assert [example.name for example in EXAMPLES if example not in found] == []
    assert len(PLAIN) > 8 and len(TRANSCRIPTS) > 4 and len(abridged) == 1 and len(by_the_package) == 4
    assert len(by_test_tls) == 2
    blocks = sum(
        len(re.findall(r"^```\w+$", path.read_text(), re.MULTILINE)) for path in {e.document for e in EXAMPLES}
    )
    shown = sum(example.form is not None for example in EXAMPLES)
    assert blocks == len(EXAMPLES) + shown, "a block of a language that nobody knows"


def run_example(server, checkout, example):
    """What the example prints."""
    code = example.code.replace("127.0.0.1:8080", f"127.0.0.1:{server.port}")
    python = example.language == "python"
    interpreter = [sys.executable, "-c"] if python else [shutil.which("bash"), "-euc"]
    environment = surroundings(checkout)
    if python:
        del environment["PYTHONPATH"]
    result = subprocess.run(
        [*interpreter, code], cwd=checkout, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize("example", PLAIN, ids=lambda example: example.name)
def test_an_example_prints_what_is_shown(server, checkout, example):
    assert run_example(server, checkout, example) == example.shown


def named(text):
    """The names of all members in a JSON text, which may be abridged."""
    return set(re.findall(r'"(\w+)" *:', text))


def test_the_first_request_is_answered_as_the_readme_shows(server, checkout):
    [example] = [example for example in EXAMPLES if example.form == "json"]
    answer = json.loads(run_example(server, checkout, example))
    scores = [float(text) for text in re.search(r'"image_scores":\[([^…]*),…', example.shown)[1].split(",")]
    assert answer["image_scores"][: len(scores)] == pytest.approx(scores, rel=1e-12)
    assert json.loads(re.search(r'"shape":({.*?})', example.shown)[1]) == answer["shape"]
    assert named(example.shown) <= named(json.dumps(answer))


class Console:
    """A shell in which servers listen on a socket that curl asks, whatever address it is given."""

    END = "\x1e"

    def __init__(self, checkout, folder):
        socket = Path(folder) / "socket"
        (Path(folder) / ".curlrc").write_text(f'unix-socket = "{socket}"\n')
        variables = {"SEGSCORE_LISTEN": f"unix:{socket}", "CURL_HOME": folder}
        self.errors = open(Path(folder) / "errors", "w+")  # noqa: SIM115 - it is closed with the console.
        self.shell = subprocess.Popen(
            ["/bin/bash"],
            cwd=checkout,
            env=surroundings(checkout) | variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
        )
        self.run("set -m")

    def run(self, command):
        """What a command prints; a server is waited for."""
        if command.endswith("&"):
            ready = "curl --silent --fail --output /dev/null http://127.0.0.1:8080/readyz"
            command = f"{command[:-1]} >&2 &\nfor _ in {{1..{PATIENCE * 20}}}; do {ready} && break; sleep 0.05; done"
        if command.startswith("kill "):
            command += "\nwait || true"
        self.shell.stdin.write(f"{command}\nprintf '{self.END}%d\\n' $?\n")
        self.shell.stdin.flush()
        lines = []
        while self.END not in (line := self.shell.stdout.readline()):
            assert line, "the shell has ended"
            lines.append(line)
        last, _, status = line.partition(self.END)
        self.errors.seek(0)
        assert int(status) == 0, (command, self.errors.read())
        return "".join(lines) + last

    def close(self):
        """Ends the servers and the shell."""
        _, _ = self.shell.communicate("kill $(jobs -p) 2>/dev/null; wait\n", timeout=PATIENCE)
        self.errors.close()


@pytest.fixture
def console(checkout):
    with tempfile.TemporaryDirectory() as folder:
        console = Console(checkout, folder)
        yield console
        console.close()


JOB = re.compile(r"[0-9a-f]{32}")


@pytest.mark.parametrize("example", TRANSCRIPTS, ids=lambda example: example.name)
def test_a_transcript_is_what_a_console_shows(console, example):
    """Jobs have other names each time, and `…` stands for whatever is there in a line."""
    steps = [(command, shown) for command, shown in commands(example.code) if not command.startswith(ELSEWHERE)]
    if not steps:
        return
    if not any(command.endswith("&") or command.split("#")[0].strip() in INSTEAD for command, _ in steps):
        console.run(".build/release/segscore serve &")
    jobs = {}
    for command, shown in steps:
        words = command.split("#")[0].strip()
        command = INSTEAD.get(words, command)
        for there, here in jobs.items():
            command = command.replace(there, here)
        printed = console.run(command).replace("\r\n", "\n")
        assert line_by_line(printed) == line_by_line(shown) or fits(printed, shown), (command, printed)
        jobs |= dict(zip(JOB.findall(shown), JOB.findall(printed), strict=True))


def line_by_line(text):
    """The lines that hold something."""
    return [line for line in text.splitlines() if line]


def fits(printed, shown):
    """Whether what was printed is what is shown, but for the names of jobs and what `…` stands for."""
    pattern = JOB.sub("[0-9a-f]{32}", re.escape("\n".join(line_by_line(shown)))).replace("…", ".*")
    return re.fullmatch(pattern, "\n".join(line_by_line(printed))) is not None


def test_the_demo_is_what_make_demo_ends_with():
    recipe = re.search(r"^demo:\n((?:\t.*\n)+)", text_of("Makefile"), re.MULTILINE)[1]
    assert recipe.splitlines()[-1].strip() == INSTEAD["make demo"].split()[-1]


def described_flags():
    """Flag and default of each line of the table."""
    rows = re.findall(
        r"^\| `(--[a-z-]+)` \| ([^|]*) \|", section("docs/operating.md", "The server's flags"), re.MULTILINE
    )
    return {flag: default.strip("` ") for flag, default in rows}


def flags_of_the_program():
    """Flag and default, or None, as `serve --help` lists them."""
    text = run("serve", "--help").stdout.partition("OPTIONS:")[2].partition("  --version")[0]
    parts = re.split(r"^  (--[a-z-]+)(?: <[a-z-]+>)?", text, flags=re.MULTILINE)
    defaults = (re.search(r"default: ([^)]+)\)$", " ".join(part.split())) for part in parts[2::2])
    return dict(zip(parts[1::2], (found and found[1] for found in defaults), strict=True))


def test_every_flag_is_in_the_table_with_its_default():
    described, flags = described_flags(), flags_of_the_program()
    assert described.keys() == flags.keys()
    for flag, default in flags.items():
        if default is not None:
            assert described[flag] == default.removesuffix(".0"), flag


def test_containers_are_given_variables_of_the_program():
    flags = {"SEGSCORE_" + flag.removeprefix("--").replace("-", "_").upper() for flag in flags_of_the_program()}
    for example in TRANSCRIPTS:
        for command, _ in commands(example.code):
            assert set(re.findall(r"-e (SEGSCORE_[A-Z_]+)=", command)) <= flags, command


def test_make_has_every_command_that_a_document_names():
    targets = set(re.findall(r"^([a-z]+):", text_of("Makefile"), re.MULTILINE))
    for document in DOCUMENTS:
        named = set(re.findall(r"(?:^|`|\$ |&& )make ([a-z]+)\b", document.read_text(), re.MULTILINE))
        assert named <= targets, document.name


def without_code(text):
    """A document's prose: blocks of code and code in lines are left out."""
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE))


def anchors(path):
    """What a link may name of a document behind `#`: its headings, as GitHub makes names of them."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document):
    for link in re.findall(r"\]\(([^)\s]+)\)", without_code(document.read_text())):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_the_readme_is_a_page():
    assert len(text_of("README.md").splitlines()) <= 150


def test_every_target_is_in_the_drawing():
    """And every name in it is a target's."""
    drawing = re.search(
        r"Package\.swift\. -->\n```\n(.*?)^```$", text_of("docs/ARCHITECTURE.md"), re.DOTALL | re.MULTILINE
    )[1]
    names = [re.match(r"[│├└─ ]*((?:\w+ )*\w+)  ", line)[1].split() for line in drawing.splitlines()]
    drawn = [name for line in names for name in line]
    assert sorted(drawn) == sorted(path.name for path in (ROOT / "Sources").iterdir() if path.is_dir())


def test_every_file_that_the_architecture_names_is_there():
    """But those that its recipes have somebody make."""
    folders = ("Sources", "Tests", "Scripts", "Clients", "Fuzz")
    files = [f"/{path.relative_to(ROOT)}" for folder in folders for path in (ROOT / folder).rglob("*.[sp][wy]*")]
    for name, new in re.findall(r"`([\w+/.-]+\.(?:swift|py))`(, new)?", text_of("docs/ARCHITECTURE.md")):
        assert new or name == "Package.swift" or any(path.endswith(f"/{name}") for path in files), name
