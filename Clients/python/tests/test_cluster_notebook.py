"""The notebook about clusters runs, and says what it shows."""

import nbformat
import pytest
from nbclient import NotebookClient

from conftest import ROOT
from server import BINARY

pytest.importorskip("distributed")

NOTEBOOK = ROOT / "Examples/cluster.ipynb"


def shown(notebook):
    """What each cell prints and returns. What Dask logs is left out: workers that end slowly, and the like."""
    return [
        "".join(
            output.get("text") or output["data"]["text/plain"]
            for output in cell["outputs"]
            if output.get("name") != "stderr"
        )
        for cell in notebook.cells
        if cell["cell_type"] == "code"
    ]


def test_the_notebook_runs_and_shows_what_it_did(tmp_path, monkeypatch):
    monkeypatch.setenv("SEGSCORE_PROGRAM", str(BINARY))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    expected = shown(notebook)
    resources = {"metadata": {"path": str(NOTEBOOK.parent)}}
    NotebookClient(notebook, timeout=180, kernel_name="python3", resources=resources).execute()
    assert shown(notebook) == expected
    assert sum(map(bool, expected)) == 4
