"""A wheel and a source distribution are built, and the wheel is all that is needed."""

import inspect
import pathlib
import re
import subprocess
import sys
import tarfile
import zipfile

import pytest

import segscore
from segscore import errors

FOLDER = pathlib.Path(__file__).parents[1]


@pytest.mark.parametrize("name", ["InvalidInput", "JobEnded", "Unreachable"])
def test_the_former_names_of_exceptions_are_the_same_exceptions(name):
    exception = getattr(segscore, f"{name}Error")
    assert issubclass(exception, segscore.SegscoreError) and exception.__name__ == f"{name}Error"
    assert getattr(segscore, name) is getattr(errors, name) is getattr(errors, f"{name}Error") is exception
    assert {name, f"{name}Error"} <= set(segscore.__all__)


@pytest.mark.parametrize("other", [segscore.Client.submit, segscore.Client.dataset])
def test_scoring_parameters_are_the_same_everywhere(other):
    """Each method lists them, so that its documentation and a type checker know them."""
    score = inspect.signature(segscore.Client.score).parameters
    shared = {name: each for name, each in inspect.signature(other).parameters.items() if name in score}
    assert shared == {name: score[name] for name in shared}
    assert {"method", "temperature", "downsample", "threshold", "ignore_label", "label_map"} <= set(shared)


def test_a_client_is_configured_by_its_own_arguments():
    made = inspect.signature(segscore.Client).parameters
    configured = inspect.signature(segscore.configure).parameters
    assert list(configured) == list(made)
    for name, parameter in configured.items():
        assert (parameter.default, parameter.annotation) == (made[name].default, made[name].annotation)


def test_docstrings_have_the_form_of_numpys():
    """ruff holds the sections that it knows to that form; those of another form it does not know."""
    for path in (FOLDER / "src").rglob("*.py"):
        assert not re.search(r"^ *(Args|Returns|Raises|Yields|Attributes):$", path.read_text(), re.MULTILINE)


def test_all_that_is_public_is_documented_and_typed():
    for name in segscore.__all__:
        public = getattr(segscore, name)
        if inspect.isclass(public) and not issubclass(public, BaseException):
            members = [each for key, each in vars(public).items() if not key.startswith("_") and callable(each)]
        else:
            members = []
        for member in [public, *members]:
            if callable(member):
                assert inspect.getdoc(member), member
            if inspect.isfunction(member):
                assert "return" in inspect.get_annotations(member), member


@pytest.fixture(scope="module")
def distributions(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    # The source distribution is made first, and the wheel from it.
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, FOLDER]
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, timeout=120)
    assert result.returncode == 0, result.stdout + result.stderr
    return folder


def test_a_wheel_and_a_source_distribution(distributions):
    (wheel,) = distributions.glob("*.whl")
    (source,) = distributions.glob("*.tar.gz")
    assert wheel.name == f"segscore-{segscore.__version__}-py3-none-any.whl"
    folder = FOLDER / "src"
    sources = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.suffix in (".py", ".typed")}
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert packed == sources and "segscore/py.typed" in packed
    with tarfile.open(source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "src/segscore/py.typed"} <= names
    metadata = zipfile.ZipFile(wheel).read(f"segscore-{segscore.__version__}.dist-info/METADATA").decode()
    needed = [line for line in metadata.splitlines() if line.startswith("Requires-Dist") and "extra ==" not in line]
    assert [line.split()[1].partition(">")[0] for line in needed] == ["array-api-compat", "numpy", "urllib3"]


def test_the_wheel_scores_without_the_extras(distributions, server):
    (wheel,) = distributions.glob("*.whl")
    script = f"""
import sys
sys.path.insert(0, {str(wheel)!r})
sys.modules.update(dict.fromkeys(["matplotlib", "pandas", "tqdm", "zarr", "cleanlab"]))
import numpy as np, segscore
from segscore.segmentation.filter import find_label_issues
assert ".whl" in segscore.__file__
print(find_label_issues(np.zeros((1, 2, 2), int), np.full((1, 2, 2, 2), 0.5)).sum(), end="")
"""
    result = subprocess.run(
        [sys.executable, "-c", script],
        env={"SEGSCORE_URL": server.url},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "0", "")
