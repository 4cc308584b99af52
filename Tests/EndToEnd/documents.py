"""The project's documents, and the examples in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from server import ROOT

# Documents whose examples all run.
GUIDES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
DOCUMENTS = [
    *GUIDES,
    *(ROOT / name for name in ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")),
    *(ROOT / folder / "README.md" for folder in ("Benchmarks", "Clients/python", "Examples/sample")),
]

_BLOCK = re.compile(
    r"^```(?P<language>sh|python|console)\n(?P<code>.*?)^```\n"
    r"(?:(?:(?!```)[^\n]*\n){0,3}?```(?P<form>text|json)\n(?P<shown>.*?)^```$)?",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Example:
    """A block of code in a document, with what stands behind it as its output."""

    document: Path
    language: str
    code: str
    # `text` for output as it is, `json` for an abridged answer; None where none is shown.
    form: str | None
    shown: str | None

    @property
    def name(self):
        """The document's name and the code's first words, for the list of tests."""
        first = self.code.split("\n", 1)[0]
        return f"{self.document.name}: {first[:40]}"

    @property
    def needs_the_package(self):
        """Whether it imports the Python package, whose own tests run it then."""
        return re.search(r"^(?:import|from) segscore\b", self.code, re.MULTILINE) is not None


def text_of(name):
    """A document's text, by its path from the project's folder."""
    return (ROOT / name).read_text()


def section(name, title):
    """What stands below a heading of a document, up to the next one of its level."""
    found = text_of(name).partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    assert found, f"{name} has no section {title}"
    return found


def examples(documents=GUIDES):
    """All examples of the documents, in their order."""
    return [
        Example(document, found["language"], found["code"], found["form"], found["shown"])
        for document in documents
        for found in _BLOCK.finditer(document.read_text())
    ]


def commands(transcript):
    """The commands of a console's transcript, each with the lines that it printed."""
    found = []
    for line in transcript.splitlines(keepends=True):
        if line.startswith("$ "):
            found.append([line[2:], ""])
        elif found and not found[-1][1] and _goes_on(found[-1][0]):
            found[-1][0] += line
        else:
            found[-1][1] += line
    return [(command.strip(), output) for command, output in found]


def _goes_on(command):
    """Whether a shell would wait for more of the command: a line that is continued, or a quotation that is open."""
    return command.rstrip("\n").endswith("\\") or command.count("'") % 2 == 1
