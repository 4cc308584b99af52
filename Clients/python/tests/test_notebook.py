"""The notebook of Examples runs, and says what it shows."""

import nbformat
import pytest
from nbclient import NotebookClient

from conftest import ROOT
from server import BINARY

NOTEBOOK = ROOT / "Examples/find_wrong_masks.ipynb"


def shown(notebook):
    """What each cell prints and returns, and how many pictures it draws."""
    return [
        [
            (output.get("text") or output["data"].get("text/plain"), "image/png" in output.get("data", {}))
            for output in cell["outputs"]
        ]
        for cell in notebook.cells
        if cell["cell_type"] == "code"
    ]


@pytest.mark.parametrize("whose", ["somebody's", "its own"])
def test_the_notebook_runs_and_shows_what_it_did(server, tmp_path, monkeypatch, whose):
    if whose == "its own":
        monkeypatch.delenv("SEGSCORE_URL")
        monkeypatch.setenv("SEGSCORE_PROGRAM", str(BINARY))
    else:
        monkeypatch.setenv("SEGSCORE_URL", server.url)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    expected = shown(notebook)
    resources = {"metadata": {"path": str(NOTEBOOK.parent)}}
    NotebookClient(notebook, timeout=60, kernel_name="python3", resources=resources).execute()
    assert shown(notebook) == expected
    assert sum(is_picture for cell in expected for _, is_picture in cell) == 6
