"""A relation over aliases, planted into the tables of a run and its twin, is found; and what the tag does beside it."""

from __future__ import annotations

import numpy as np
import pytest

from metaocl.artifacts.publishing import ArtifactError
from metaocl.artifacts.tables import write_rows
from metaocl.config.studies import Study
from metaocl.mechanisms.measured import Measured
from metaocl.statistics import relations
from metaocl.statistics.alias_relations import relate_aliases

ALIASES = [f"a{number}" for number in range(20)]
STUDY = Study(datasets=["d"], define_types=["tve"], models=["m"], plans=["two"], seeds=[0, 1, 2], paired=True)
ASKED = ({"two": 2}, {"two.swapped": "two"})


@pytest.fixture(autouse=True)
def fewer_draws(monkeypatch):
    monkeypatch.setattr(relations, "RESAMPLED", 100)


@pytest.fixture
def results(tmp_path):
    """With the reliable tag a loss is lower by 2 for each unit of cosine, and by .5 whatever the cosine."""
    random = np.random.default_rng(0)
    for seed in STUDY.seeds:
        cosines = random.uniform(0, 1, len(ALIASES))
        folders = {
            name: tmp_path / f"stages/d/tve/m/{name}/seed{seed}/stage2_seed0/measurements"
            for name in ASKED[1] | ASKED[0]
        }
        for folder in folders.values():
            folder.mkdir(parents=True)
        aligned, own, twin = [], [], []
        for number, (alias, cosine) in enumerate(zip(ALIASES, cosines, strict=True)):
            subset, sides = [("d1consis", ("reliable", "unreliable")), ("d2consis", ("unreliable", "reliable"))][
                number % 2
            ]
            losses = {"reliable": 3 - 0.5 - 2 * cosine, "unreliable": 3.0}
            for tag, value in (("reliable", cosine), ("unreliable", 0.0), ("unseen", 9.0)):
                aligned.append(Measured(0, subset, alias, tag, "all", "cosine", 6, value))
                aligned.append(Measured(0, subset, alias, tag, "mlp", "cosine", 6, -value))
            for table, side in ((own, sides[0]), (twin, sides[1])):
                table.append(Measured(5, subset, alias, side, "", "question_loss", 6, losses[side]))
        for table in (own, twin):
            table.append(Measured(5, "d3consis", "unseen alias", "unseen", "", "question_loss", 6, 1.0))
        write_rows(aligned, Measured, folders["two"] / "alignment.parquet")
        write_rows(own, Measured, folders["two"] / "losses.parquet")
        write_rows(twin, Measured, folders["two.swapped"] / "losses.parquet")
    return tmp_path


def test_a_planted_relation_is_found_and_so_is_what_remains(results):
    (found,) = relate_aliases(STUDY, *ASKED, results, "alignment", "losses").to_dict("records")
    assert (found["plan"], found["n_seeds"], found["n_aliases"]) == ("two", 3, 60)
    assert found["rho"] == pytest.approx(-1)
    assert found["p_below"] == pytest.approx(0.01)
    assert found["remaining_effect"] == pytest.approx(-0.5)
    assert found["effect"] < found["remaining_effect"]


def test_a_table_that_is_missing_is_named(results):
    (gone,) = results.glob("stages/d/tve/m/two.swapped/seed1/*/measurements/losses.parquet")
    gone.unlink()
    with pytest.raises(ArtifactError, match=r"seed1/.*losses\.parquet: missing"):
        relate_aliases(STUDY, *ASKED, results, "alignment", "losses")
