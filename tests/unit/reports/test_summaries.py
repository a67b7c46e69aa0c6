"""The summary: what was measured is on the page, and what was not is not."""

from __future__ import annotations

import json
import math

import pandas as pd
import pytest

from metaocl.artifacts.tables import write_json
from metaocl.config.models import Model
from metaocl.design.cells import CELL
from metaocl.design.contrasts import CONTRASTS, ON_PAGE
from metaocl.planning.targets import findings
from metaocl.reports.summaries import FIELDS, headlines, summarize_for_people, summarize_for_programs
from metaocl.statistics.effects import estimate_effects
from metaocl.statistics.gaps import seed_gaps

SUBSETS = {"qd1consis": 0.8, "qd1incons": 0.3, "q": 0.5, "d1consis": 0.6, "d2consis": 0.4, "d3consis": 0.45}
SUBSETS |= {"no_qd_baseline": 0.35}


def make_metrics(seeds=5, test_set="held_out", auc=False, **cell):
    """Two stages of one epoch each, with accuracies that differ a bit by seed and subset."""
    cell = {"dataset": "data", "define_type": "tve", "model": "small", "plan": "two"} | cell
    rows = [
        {"seed": seed, "stage2_seed": 0, "stage": stage, "epoch": 1, "test_set": test_set, "subset": subset}
        | {"measure": measure, "n": 10, "value": value + slope * (seed * (place + 1) % 7)}
        for seed in range(seeds)
        for stage in (1, 2)
        for place, (subset, value) in enumerate(SUBSETS.items())
        for measure, slope in {"exact_match": 0.01, **({"auc": 0.0} if auc else {})}.items()
    ]
    return pd.DataFrame(rows).assign(**cell)


def summarize(metrics):
    summary = summarize_for_programs("mine", estimate_effects(seed_gaps(metrics)))
    return summary, summarize_for_people(summary, metrics)


def test_the_numbers_are_those_of_the_effects():
    metrics = make_metrics()
    summary, _ = summarize(metrics)
    (cell,) = summary["cells"]
    assert {key: cell[key] for key in CELL} == {
        "dataset": "data",
        "define_type": "tve",
        "model": "small",
        "plan": "two",
    }
    assert cell["n_seeds"] == 5
    for effect in estimate_effects(seed_gaps(metrics)).to_dict("records"):
        assert cell[effect["contrast"]] == {f: None if math.isnan(effect[f]) else effect[f] for f in FIELDS}


def test_a_page_shows_each_contrast_with_its_mean_and_the_headlines():
    summary, page = summarize(make_metrics())
    (cell,) = summary["cells"]
    for name in ("ocl", "meta_ocl", "unreliable_over_undefined"):
        assert f"| {CONTRASTS[name].title} | {cell[name]['mean']:.3f} |" in page
    assert headlines(summary) in page
    assert f"meta-OCL {cell['meta_ocl']['mean']:.3f} [" in headlines(summary)


@pytest.mark.parametrize(
    ("share", "said"), [(0.25, "25.0%"), (0.001, "0.1%"), (0.0009, "less than 0.1%"), (1 / 4000, "less than 0.1%")]
)
def test_questions_that_no_model_can_be_right_about_are_told_above_the_tables(share, said):
    metrics = make_metrics()
    summary, page = summarize(metrics)
    assert "warning" not in page
    lost = {"seed": 0, "stage2_seed": 0, "stage": 2, "epoch": 1, "test_set": "held_out", "subset": "all", "n": 8}
    rows = [lost | {"seed": seed, "measure": "unreachable_golds", "value": share} for seed in range(5)]
    more = pd.concat([metrics, pd.DataFrame(rows).assign(**{key: metrics[key].iloc[0] for key in CELL})])
    told = summarize_for_people(summary, more)
    line = f"\n- **warning, data × tve × small × two**: {said} of the held-out questions score 0"
    assert line in told.split("## Contrasts")[0]
    assert told.replace(told[told.index("\n- **warning") : told.index("\n\n## Contrasts")], "") == page


def test_a_page_says_what_its_intervals_cover_where_all_seeds_share_a_base_model():
    metrics = make_metrics()
    summary, page = summarize(metrics)
    assert "start from the same weights" not in page
    told = summarize_for_people(summary, metrics, ["tiny", "small"]).split("## Contrasts")[0]
    assert "All seeds of `tiny`, `small` start from the same weights" in told


def test_a_page_says_where_subsets_do_not_have_the_tags_of_their_names():
    metrics = make_metrics()
    summary, page = summarize(metrics)
    tags = {"two_stages": "own", "swapped": "swapped", "alike": "all_reliable"}
    told = summarize_for_people(summary, metrics, tags=tags)
    named = "D5, D6 and D̃ are named by the tags that were drawn."
    notes = [
        f"The new definitions of plan `swapped` have other tags (swapped): {named}",
        f"The new definitions of plan `alike` have other tags (all reliable): {named}",
    ]
    assert [line for line in told.split("## Contrasts")[0].splitlines() if named in line] == notes
    assert named not in page
    assert findings(told) == findings(page)


@pytest.mark.parametrize(
    ("given", "shared"),
    [
        ({"pretrained": {"folder": "m"}}, True),
        ({"architecture": "gpt2"}, False),
        ({"architecture": "gpt2", "base_training": {"steps": 1}}, True),
        ({"architecture": "gpt2", "base_training": {"steps": 1, "per_seed": True}}, False),
    ],
)
def test_seeds_share_weights_unless_each_has_its_own(given, shared):
    assert Model.model_validate(given).one_for_all_seeds is shared


def test_areas_are_on_the_page_only_of_cells_that_have_them():
    plain_summary, plain_page = summarize(make_metrics())
    assert "ROC" not in plain_page
    assert "auc" not in plain_summary["cells"][0]
    summary, page = summarize(pd.concat([make_metrics(auc=True, model="scored"), make_metrics()]))
    with_areas = {cell["model"]: "auc" in cell for cell in summary["cells"]}
    assert with_areas == {"scored": True, "small": False}
    assert page.count("area under the ROC curve\n") == 1
    assert "**data × tve × scored × two** (5 seeds), area under the ROC curve" in page
    scored = next(cell for cell in summary["cells"] if cell["model"] == "scored")
    assert scored["auc"]["ocl"]["mean"] == pytest.approx(0.5)
    assert f"| {CONTRASTS['ocl'].title} | 0.500 |" in page.split("area under the ROC curve")[1]


def test_what_was_asked_in_one_measure_alone_is_not_in_the_table_of_another():
    tests = [make_metrics(auc=True), make_metrics(test_set="attribution")]
    summary, page = summarize(pd.concat(tests))
    (cell,) = summary["cells"]
    assert "attribution_meta_ocl" in cell
    assert "attribution_meta_ocl" not in cell["auc"]
    assert page.count(f"| {CONTRASTS['attribution_meta_ocl'].title} |") == 1


def test_a_cell_without_a_contrast_in_the_main_measure_says_so():
    whole = make_metrics(auc=True)
    metrics = pd.concat([whole, whole[whole["measure"] == "auc"].assign(model="scored")])
    summary, page = summarize(metrics)
    cell = next(cell for cell in summary["cells"] if cell["model"] == "scored")
    assert (cell["n_seeds"], "meta_ocl" in cell, "meta_ocl" in cell["auc"]) == (5, False, True)
    assert "- **data × tve × scored × two**, 5 seeds: no OCL and no meta-OCL in exact match\n" in page
    assert "**data × tve × scored × two** (5 seeds), area under the ROC curve\n" in page
    assert "**data × tve × scored × two** (5 seeds), exact match\n" not in page


def test_a_contrast_of_fewer_seeds_than_its_cell_has_says_so():
    metrics = make_metrics()
    _, plain = summarize(metrics)
    assert plain.count("5 seeds") == 2
    summary, page = summarize(metrics[(metrics["subset"] != "qd1incons") | (metrics["seed"] < 3)])
    (cell,) = summary["cells"]
    assert (cell["n_seeds"], cell["ocl"]["n_seeds"], "n_seeds" in cell["meta_ocl"]) == (5, 3, False)
    assert "- **data × tve × small × two**, 5 seeds: OCL " in page
    head, _, tail = headlines(summary).partition("; meta-OCL ")
    assert "] (3 seeds), p = " in head
    assert "seeds" not in tail
    assert f"| {CONTRASTS['ocl'].title} (3 seeds) | " in page
    assert f"| {CONTRASTS['meta_ocl'].title} | " in page


def test_attribution_is_on_the_page_where_it_was_asked():
    names = [contrast.name for contrast in ON_PAGE if contrast.name.startswith("attribution")]
    _, page = summarize(make_metrics())
    assert not any(CONTRASTS[name].title in page for name in names)
    assert "entity attribution" not in page
    tests = [make_metrics(), make_metrics(test_set="attribution"), make_metrics(test_set="attribution_as_defined")]
    _, page = summarize(pd.concat(tests))
    assert all(CONTRASTS[name].title in page for name in names)
    titles = [line for line in page.splitlines() if line.startswith("## Exact match at the end of each stage")]
    assert len(titles) == 3


def test_final_accuracies_are_means_over_seeds_at_the_end_of_each_stage():
    metrics = make_metrics(seeds=2)
    later = metrics[metrics["stage"] == 2].assign(epoch=2, value=0.25)
    _, page = summarize(pd.concat([metrics, later]))
    stage1, stage2 = (line for line in page.splitlines() if line.startswith("| data × tve × small × two |"))
    assert stage1.startswith("| data × tve × small × two | 1 | 0.805 ± 0.007 | 0.310 ± 0.014 |")
    assert set(stage2.split(" | ")[2:]) == {"0.250 ± 0.000", "0.250 ± 0.000 |"}


@pytest.mark.parametrize(("seeds", "in_words"), [(1, "1 seed"), (2, "2 seeds")])
def test_seeds_are_counted_in_words(seeds, in_words):
    _, page = summarize(make_metrics(seeds))
    assert f"- **data × tve × small × two**, {in_words}: " in page
    assert f"**data × tve × small × two** ({in_words}), exact match" in page


@pytest.mark.parametrize("seeds", [1, 2, 5])
@pytest.mark.parametrize("auc", [False, True])
def test_the_numbers_for_programs_are_json_without_nan(tmp_path, seeds, auc):
    tests = [make_metrics(seeds, auc=auc), make_metrics(seeds, "attribution")]
    summary, page = summarize(pd.concat(tests))
    write_json(summary, tmp_path / "summary.json")

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    read = json.loads((tmp_path / "summary.json").read_text(), parse_constant=refuse)
    assert read == summary
    assert "nan" not in page.lower()
    (cell,) = read["cells"]
    assert (cell["ocl"]["sd"] is None) == (seeds == 1)
    assert (cell["ocl"]["ci_low"] is None) == (seeds == 1)


def test_an_interval_that_is_missing_has_its_reason_under_the_table_and_in_the_headlines():
    _, page = summarize(make_metrics())
    assert "no interval" not in page
    single, page = summarize(make_metrics(seeds=1))
    assert page.count("–: no interval, as there is a single seed.") == 1
    assert "(no interval: there is a single seed), p = – (t)" in headlines(single)
    metrics = make_metrics()
    same = metrics["subset"].isin(["d1consis", "d2consis"])
    equal, page = summarize(metrics.assign(value=metrics["value"].mask(same, 0.25)))
    assert page.count("–: no interval, as all seeds are equal and their spread is unknown.") == 1
    assert f"| {CONTRASTS['meta_ocl'].title} | 0.000 | 0.000 | – | – | 1.000 | – |" in page
    assert "meta-OCL 0.000 (no interval: all seeds are equal and their spread is unknown)" in headlines(equal)


def test_a_number_that_rounds_to_0_has_no_sign():
    metrics = make_metrics()
    tiny = metrics["value"].mask(metrics["subset"] == "d1consis", 0.1 - metrics["seed"] * 1e-5)
    _, page = summarize(metrics.assign(value=tiny.mask(metrics["subset"] == "d2consis", 0.1)))
    assert f"| {CONTRASTS['meta_ocl'].title} | 0.000 | 0.000 | [0.000, 0.000] |" in page
    assert "-0.000" not in page


def test_a_study_without_any_contrast_still_has_a_page():
    metrics = make_metrics()
    _, page = summarize(metrics[metrics["subset"] == "q"])
    assert "held-out questions" in page
    assert CONTRASTS["ocl"].title not in page
