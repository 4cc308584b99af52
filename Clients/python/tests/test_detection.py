"""`Benchmarks/detection` on a small set, with the program's scores beside those that are written in NumPy."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

SCRIPT = pathlib.Path(__file__).parents[3] / "Benchmarks/detection/detect.py"


def detect(*arguments):
    return subprocess.run([sys.executable, SCRIPT, *map(str, arguments)], capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path):
    """Masks of a square each, of which every third has lost it."""
    random = np.random.default_rng(5)
    truth = np.zeros((12, 24, 24), np.uint8)
    truth[:, 6:18, 6:18] = 1
    labels = truth.copy()
    wrong = np.arange(12) % 3 == 0
    labels[wrong] = 0
    largest = random.uniform(0.6, 1, labels.shape).astype(np.float16)
    own = np.where(labels == truth, largest, 1 - largest)
    np.savez(tmp_path / "squares.npz", own=own, largest=largest, predicted=truth, labels=labels, wrong=wrong)
    return tmp_path


def test_the_programs_scores_are_those_of_the_definitions(folder):
    done = detect(folder, "--resamples", 20, "--segscore", os.environ["SEGSCORE"])
    assert done.returncode == 0, done.stderr
    # A square that is missing is found by any of them, in the first of the two tables.
    for score in ("softmin", "num_pixel_issues", "margin"):
        row = next(line for line in done.stdout.splitlines() if line.startswith(f"| {score} "))
        assert "| 1.000 (1.000 to 1.000) / 1.000" in row


def test_a_folder_without_sets_is_named(tmp_path):
    for missing in (tmp_path, tmp_path / "nowhere"):
        done = detect(missing)
        assert done.returncode == 2
        assert str(missing) in done.stderr and "Traceback" not in done.stderr
