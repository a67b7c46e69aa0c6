"""The notebook: its code runs, cell after cell, on a finished study, and shows what its texts say."""

from __future__ import annotations

import json
from typing import Any

import nbformat
import pandas as pd
import pytest
from project import LAST_STAGE, ROOT

PATH = ROOT / "docs/tour.ipynb"
CELLS = json.loads(PATH.read_text(encoding="utf-8"))["cells"]


@pytest.fixture
def shown(finished_run, monkeypatch) -> dict[str, Any]:
    """The names that the notebook's code leaves, after it has run in a folder beside the results, as docs/ is one."""
    monkeypatch.chdir(finished_run / "config")
    monkeypatch.setenv("MPLBACKEND", "Agg")
    names: dict[str, Any] = {"__name__": "__main__"}
    for number, cell in enumerate(CELLS, start=1):
        if cell["cell_type"] == "code":
            text = "".join(cell["source"]).replace('"laptop"', '"tiny"')
            exec(compile(text, f"{PATH.name}, cell {number}", "exec"), names)
    return names


def test_the_notebook_is_a_valid_one_without_outputs():
    notebook = nbformat.read(PATH, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert len(code) >= 5
    assert all(not cell.outputs and cell.execution_count is None for cell in code)


def test_the_code_of_the_notebook_shows_a_figure_answers_and_a_gradient(shown, finished_run):
    assert set(shown["effects"]["contrast"]) == {"ocl", "meta_ocl"}
    assert [len(line.get_xdata()) for line in shown["axes"].get_lines()] == [2, 2]  # epochs, of each subset
    new, asked_about = shown["new"], shown["asked_about"]
    assert set(new["subset"]) == {"d1consis", "d2consis"}
    answers = pd.read_parquet(finished_run / LAST_STAGE / "answers.parquet")
    about = answers.query("alias == @asked_about and test_set == 'held_out' and subset != 'd2incons'")
    assert new.loc[new["alias"] == asked_about, "answer"].tolist() == about["answer"].tolist()
    assert new.loc[new["alias"] == asked_about, "prompt"].str.contains(asked_about, regex=False).all()
    assert shown["measured"]["cosine"].abs().between(0, 1, inclusive="neither").all()


def test_the_notebook_agrees_with_the_study(shown):
    """What it makes of single answers is what the study's table has of them."""
    end = shown["shown"].query("seed == 0")
    end = end[end["epoch"] == end["epoch"].max()].set_index("subset")["value"]
    means = shown["new"].groupby("subset")["exact_match"].mean()
    assert {subset: end[subset] for subset in means.index} == pytest.approx(means.to_dict())
