"""Which targets may know which: a line of code can name only what stands below it."""

import re
import subprocess

from server import ROOT

ALLOWED = {
    "segscore": "DatasetScoring Files HTTPServer JobStorage Jobs Memory OpenInference PrometheusText ReviewPage "
    "Scoring ScoringService ServiceInterface WebService",
    "ReviewPage": "ServiceInterface WebService",
    "HTTPServer": "CMicroHTTPD CRefusals CSockets Memory ServiceInterface Threads",
    "OpenInference": "DatasetScoring Files JobStorage Jobs Memory Scoring ScoringService ServiceInterface Threads "
    "WebService",
    "ScoringService": "Codecs DatasetScoring Exports Files JobStorage Jobs Memory Scoring ServiceInterface Threads "
    "WebService",
    "BlockFunctions": "CBlockFunctions DatasetScoring Memory Scoring WebService",
    "Exports": "Codecs Memory Scoring Threads WebService",
    "JobStorage": "Codecs DatasetScoring Files Jobs Memory Scoring ServiceInterface Threads WebService",
    "DatasetScoring": "Codecs Files Memory Scoring ServiceInterface Threads WebService",
    "WebService": "Codecs Files Jobs Memory Scoring ServiceInterface",
    "ServiceInterface": "Memory",
    "Codecs": "CISAL CPNG CPNGReading CSimdJSON CZlib Memory Threads",
    "Scoring": "CScoringKernels Files Memory",
    "Files": "CISAL CLinux CMappedFaults Memory",
    "Memory": "CLinux",
    "Jobs": "",
    "PrometheusText": "",
    "Threads": "",
}
# What only some folders may import.
HOMES = {"GRDB": ["Sources/JobStorage"], "CMicroHTTPD": ["Sources/HTTPServer"], "ArgumentParser": ["Sources/segscore"]}


def test_targets_know_only_what_stands_below():
    done = subprocess.run([ROOT / "Scripts/house"], capture_output=True, text=True, check=True)
    known = dict(re.findall(r"^  (\w+) \(\d+ lines\): (.*)$", done.stdout, re.MULTILINE))
    assert known.keys() == ALLOWED.keys()
    for target, others in known.items():
        strange = set(others.replace("none", "").split(", ")) - {""} - set(ALLOWED[target].split())
        assert not strange, f"{target} imports {strange}"


def test_folders_of_a_target_know_each_other_one_way():
    done = subprocess.run([ROOT / "Scripts/house"], capture_output=True, text=True, check=True)
    assert done.stdout.partition("Cycles of folders within targets:\n")[2] == "  none\n"


def test_libraries_stay_at_home():
    for module, homes in HOMES.items():
        importing = [
            path.relative_to(ROOT).as_posix()
            for path in (ROOT / "Sources").rglob("*.swift")
            if re.search(rf"^(?:\w+ )?import {module}$", path.read_text(), re.MULTILINE)
        ]
        assert importing
        assert [path for path in importing if not path.startswith(tuple(homes))] == []
