"""The wheels, in environments of their own: one has the program inside, the other says what is missing."""

import os
import pathlib
import re
import subprocess
import sys
import venv
import zipfile

import pytest

import segscore
from conftest import ROOT
from server import BINARY

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the program is for Linux")


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """The paths of the wheel with the program and of that without."""
    if "libswiftCore" in subprocess.run(["ldd", BINARY], capture_output=True, text=True, check=True).stdout:
        pytest.skip("wheels are made of builds that need no library of Swift's: those for release")
    folder = tmp_path_factory.mktemp("wheels")
    subprocess.run([ROOT / "Scripts/build-wheels", folder], check=True, env=surroundings(SEGSCORE=str(BINARY)))
    return sorted(folder.iterdir(), key=lambda path: "none-any" in path.name)


@pytest.fixture(scope="module")
def installed(wheels, tmp_path_factory):
    """Environments with one of the wheels each, by the same order."""
    folders = []
    for wheel in wheels:
        folder = tmp_path_factory.mktemp("environment")
        venv.create(folder, with_pip=True)
        pip = [folder / "bin/pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, wheel], check=True, env=surroundings())
        folders.append(folder)
    return folders


def surroundings(**variables):
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith("SEGSCORE") and name != "PYTHONPATH"
    }
    return kept | variables


def run(folder, *command, **variables):
    return subprocess.run(
        [folder / "bin" / command[0], *command[1:]],
        capture_output=True,
        text=True,
        check=False,
        env=surroundings(**variables),
        timeout=120,
    )


SCORED = """
import numpy as np, segscore
from segscore.segmentation.rank import get_label_quality_scores
scores, _ = get_label_quality_scores(np.zeros((2, 4, 4), int), np.full((2, 3, 4, 4), 0.25, np.float32), verbose=False)
print(scores, segscore.server_info().is_own)
"""


def test_names_say_what_they_are_for(wheels):
    with_program, without = (wheel.name for wheel in wheels)
    assert re.fullmatch(rf"segscore-{segscore.__version__}-py3-none-manylinux_2_35_\w+\.whl", with_program)
    assert without == f"segscore-{segscore.__version__}-py3-none-any.whl"


def test_the_wheel_is_all_that_is_needed(installed):
    done = run(installed[0], "python", "-c", SCORED)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[0.25 0.25] True\n", "")


@pytest.mark.parametrize("way", ["--target", "--prefix"])
def test_it_may_be_installed_beside_an_environment(wheels, installed, tmp_path, way):
    pip = ["pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--ignore-installed"]
    done = run(installed[1], *pip, way, str(tmp_path / "beside"), str(wheels[0]))
    assert done.returncode == 0, done.stderr
    [path] = [path.parent for path in (tmp_path / "beside").rglob("segscore_program.py")]
    done = run(installed[1], "python", "-c", SCORED, PYTHONPATH=str(path))
    assert (done.returncode, done.stdout, done.stderr) == (0, "[0.25 0.25] True\n", "")
    [command] = (tmp_path / "beside").rglob("bin/segscore")
    done = subprocess.run(
        [installed[1] / "bin/python", command, "version"],
        capture_output=True,
        text=True,
        check=False,
        env=surroundings(PYTHONPATH=str(path)),
    )
    assert (done.returncode, done.stdout) == (0, f"segscore {segscore.__version__}\n")


def others():
    """Interpreters of other versions that lie here, the oldest first."""
    folders = [
        *os.get_exec_path(),
        *pathlib.Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser().glob("versions/*/bin"),
    ]
    found = {}
    for minor in range(9, 15):
        paths = [pathlib.Path(folder) / f"python3.{minor}" for folder in folders]
        paths = [path for path in paths if path.exists() and "shims" not in path.parts]
        if paths and minor != sys.version_info.minor:
            found[minor] = paths[-1]
    return found


OTHERS = others()


@pytest.mark.parametrize("minor", OTHERS)
def test_other_versions_of_python_have_it_too(wheels, tmp_path, minor):
    """The oldest with the oldest of what it needs, the others with the newest."""
    subprocess.run([OTHERS[minor], "-m", "venv", tmp_path], check=True, env=surroundings())
    oldest = ["numpy==1.23.0", "urllib3==2.0.2", "array-api-compat==1.11"] if minor == min(OTHERS) else []
    done = run(tmp_path, "pip", "install", "--quiet", "--disable-pip-version-check", *oldest, str(wheels[0]))
    assert done.returncode == 0, done.stderr
    done = run(tmp_path, "python", "-W", "error", "-c", SCORED + DEEPER)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[0.25 0.25] True\n", "")


DEEPER = """
import segscore._engine
from segscore.segmentation.filter import find_label_issues
labels, probs = np.zeros((4, 8, 8), np.uint8), np.full((4, 3, 8, 8), 0.25, np.float32)
probs[0, 1] = 0.5
assert find_label_issues(labels, probs, verbose=False).shape == labels.shape
client = segscore.Client(batch_bytes=1000)
scores = client.score(list(labels), list(probs), method="num_pixel_issues")
assert scores._repr_html_().count("<img") == 8
with client.dataset() as dataset:
    dataset.add(labels, probs)
assert dataset.job.pixel_scores().shape == labels.shape
assert (client.reduce(labels, probs).predicted[0] == 1).all()
assert (segscore._engine.reduce(labels, probs, "pred_probs", {})["predicted"][0] == 1).all()
"""


def test_the_command_is_the_program(installed):
    done = run(installed[0], "segscore", "version")
    assert (done.returncode, done.stdout) == (0, f"segscore {segscore.__version__}\n")
    assert run(installed[0], "segscore", "serve", "--backlog", "0").returncode == 64


@pytest.mark.parametrize("name", ["segscore", "libsegscoreblocks.so"])
def test_all_libraries_but_those_of_every_linux_come_with_it(installed, name):
    [package] = installed[0].glob("lib/python3*/site-packages")
    lines = subprocess.run(
        ["ldd", package / "segscore/_program" / name], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    paths = [pathlib.Path(line.split("=>")[1].split()[0]) for line in lines if "=>" in line]
    outside = {path.name.partition(".so")[0] for path in paths if package not in path.parents}
    assert outside <= {"libc", "libm", "libgcc_s", "libstdc++", "libz"}
    assert len(paths) > len(outside) + (4 if name == "segscore" else 2)


def test_the_terms_of_all_that_is_inside_lie_beside_it(wheels):
    with zipfile.ZipFile(wheels[0]) as wheel:
        names = wheel.namelist()
    libraries = {pathlib.Path(name).name.partition("-")[0].partition(".")[0] for name in names if ".libs/lib" in name}
    terms = {pathlib.Path(name).name for name in names if "/_program/licenses/" in name}
    assert {library for library in libraries if not any(name.startswith(library) for name in terms)} == set()
    assert {"swift", "GRDB.swift", "swift-collections"} <= terms


def test_the_wheel_without_says_what_is_missing(installed, wheels):
    with zipfile.ZipFile(wheels[1]) as wheel:
        assert not any("_program/" in name or ".libs/" in name for name in wheel.namelist())
    done = run(installed[1], "segscore", "version")
    assert done.returncode == 1 and "SEGSCORE_PROGRAM" in done.stderr
    done = run(installed[1], "segscore", "version", SEGSCORE_PROGRAM=str(BINARY))
    assert (done.returncode, done.stdout) == (0, f"segscore {segscore.__version__}\n")
    done = run(installed[1], "segscore", "version", SEGSCORE_PROGRAM="/nowhere")
    assert done.returncode == 1 and "/nowhere does not start" in done.stderr
    done = run(installed[1], "python", "-c", "import segscore; print(segscore.Client())")
    assert done.stdout == "<segscore.Client of http://127.0.0.1:8080>\n"
