"""The notebooks run from top to bottom, and show what they show on the page. Each brings its own Bedrock."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parent.parent / "docs" / "notebooks").glob("*.ipynb"))


def shown(notebook: Any) -> dict[str, list[str]]:
    """What each cell printed and returned, as text."""
    return {
        cell["source"]: [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell["outputs"]]
        for cell in notebook.cells
        if cell["cell_type"] == "code"
    }


def test_there_are_notebooks():
    assert [path.stem for path in NOTEBOOKS if path.stem == "streaming"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_shows_what_it_does(path, tmp_path):
    notebook = nbformat.read(path, as_version=4)
    before = shown(notebook)
    NotebookClient(notebook, timeout=60, kernel_name="python3", resources={"metadata": {"path": tmp_path}}).execute()
    assert shown(notebook) == before, f"write it anew: jupyter execute --inplace {path.name}"
