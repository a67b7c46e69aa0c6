from __future__ import annotations

import json
import subprocess
import sys
from itertools import combinations, product
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from matplotlib.text import Text
from scipy import stats

from metaocl.artifacts.tables import write_table
from metaocl.errors import UserError
from metaocl.figures.gaps import COLORS, MARKERS, STYLES, draw_gaps
from metaocl.figures.training_curves import AS_DEFINED, LINES, draw_training_curves, save_figure
from metaocl.planning.cells import CELL, SEEDS

SCRIPTS = Path(__file__).parents[3] / "scripts"
HELD_OUT = ("qd1consis", "qd2incons", "q", "d1consis", "d2consis")
CVDB, TREX = ("cvdb", "tve", "pythia", "two"), ("trex", "tve", "pythia", "two")


def metrics(cell=CVDB, seeds=3, epochs=(4, 2), subsets=HELD_OUT, attribution=False, auc=False):
    asked = [("held_out", subset) for subset in subsets]
    if attribution:
        asked += [*(("attribution", subset) for subset in subsets), ("attribution_as_defined", "qd2incons")]
    random = np.random.default_rng(0)
    rows = [
        (*cell, seed, stage2_seed, stage, epoch, *question, measure, 10, random.random())
        for seed, stage2_seed, question in product(range(seeds), range(2), asked)
        for stage, last in enumerate(epochs, start=1)
        for epoch in range(1, last + 1)
        for measure in ("exact_match", "token_f1", *(["auc"] if auc else []))
    ]
    columns = [*CELL, *SEEDS, "stage", "epoch", "test_set", "subset", "measure", "n", "value"]
    return pd.DataFrame(rows, columns=columns)


def labels_of(axes):
    return axes.get_legend_handles_labels()[1]


def line_of(axes, label):
    return next(line for line in axes.get_lines() if line.get_label() == label)


def legend_texts(figure):
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def dashed_at(axes):
    return [line.get_xdata()[0] for line in axes.get_lines() if len(set(line.get_xdata())) == 1]


# Training curves


@pytest.mark.parametrize(
    ("options", "panels"),
    [
        ({}, ["exact match"]),
        ({"attribution": True}, ["exact match", "entity attribution"]),
        ({"auc": True}, ["exact match", "area under ROC curve"]),
        ({"attribution": True, "auc": True}, ["exact match", "entity attribution", "area under ROC curve"]),
    ],
)
def test_a_panel_for_each_measure_that_the_metrics_have(options, panels):
    figure = draw_training_curves(metrics(**options))
    assert [axes.get_ylabel() for axes in figure.axes] == panels
    for axes in figure.axes:
        assert [label for label in labels_of(axes) if label not in legend_texts(figure)] == []
        assert {LINES[subset].label for subset in HELD_OUT} <= set(labels_of(axes))


def test_answers_scored_against_inconsistent_definitions_have_a_line_of_their_own():
    held_out, attribution = draw_training_curves(metrics(attribution=True)).axes
    as_defined, true_entity = AS_DEFINED["qd2incons"].label, LINES["qd2incons"].label
    assert as_defined not in labels_of(held_out)
    styles = [line_of(attribution, label).get_linestyle() for label in (as_defined, true_entity)]
    assert styles[0] != styles[1]
    assert len(labels_of(attribution)) == len(HELD_OUT) + 1


def test_a_row_of_panels_per_cell_and_a_note_where_one_has_no_attribution():
    figure = draw_training_curves(pd.concat([metrics(attribution=True), metrics(TREX, seeds=1)]))
    assert len(figure.axes) == 4
    assert figure.axes[0].get_title("left") == "cvdb (3\N{NO-BREAK SPACE}seeds)"
    assert figure.axes[2].get_title("left") == "trex (1\N{NO-BREAK SPACE}seed)"
    assert "not measured" in figure.axes[3].texts[0].get_text()
    assert not figure.axes[3].get_lines()


def test_cells_with_one_measure_stand_side_by_side():
    cells = [("cvdb", "tve", f"model{number}", "two") for number in range(4)]
    two, four = (draw_training_curves(pd.concat([metrics(cell, epochs=(2, 1)) for cell in cells[:n]])) for n in (2, 4))
    assert [axes.get_position().y0 for axes in two.axes] == [two.axes[0].get_position().y0] * 2
    assert len({axes.get_position().y0 for axes in four.axes}) == 2
    assert four.get_figwidth() == two.get_figwidth() == 6.75


def test_the_band_is_a_t_interval_over_stage_1_seeds_after_averaging_stage_2_seeds():
    table = metrics(seeds=3, epochs=(1, 1), subsets=("d1consis",))
    shown = (table["stage"] == 2) & (table["measure"] == "exact_match")
    table.loc[shown, "value"] = [0.3, 0.5, 0.4, 0.6, 0.4, 0.8]  # means .4, .5, .6
    (axes,) = draw_training_curves(table).axes
    line, (band,) = line_of(axes, LINES["d1consis"].label), axes.collections
    assert line.get_ydata()[-1] == pytest.approx(0.5)
    expected = stats.t.interval(0.95, 2, loc=0.5, scale=stats.sem([0.4, 0.5, 0.6]))
    last = [y for x, y in band.get_paths()[0].vertices if x == 2]
    assert (min(last), max(last)) == pytest.approx(expected)


def test_a_band_does_not_leave_what_can_be():
    table = metrics(seeds=2, epochs=(1,), subsets=("q",))
    table["value"] = table["seed"] / 10
    (axes,) = draw_training_curves(table).axes
    ends = [y for _, y in axes.collections[0].get_paths()[0].vertices]
    assert (min(ends), max(ends)) == (0, pytest.approx(0.05 + 12.7062 * 0.05))


def test_one_seed_has_no_band():
    (axes,) = draw_training_curves(metrics(seeds=1, subsets=("q",))).axes
    assert line_of(axes, LINES["q"].label).get_xdata().tolist() == list(range(1, 7))
    assert [path for band in axes.collections for path in band.get_paths()] == []


@pytest.mark.parametrize(("epochs", "between"), [((4,), []), ((4, 2), [4.5]), ((4, 3, 2), [4.5, 7.5])])
def test_dashed_lines_part_the_stages(epochs, between):
    (axes,) = draw_training_curves(metrics(epochs=epochs)).axes
    assert dashed_at(axes) == between
    assert line_of(axes, LINES["q"].label).get_xdata().tolist() == list(range(1, sum(epochs) + 1))
    assert len(axes.texts) == (len(epochs) if len(epochs) > 1 else 0)


def test_no_two_lines_look_alike_in_grey():
    looks = [*LINES.values(), *AS_DEFINED.values()]
    assert len({(look.marker, look.filled) for look in looks}) == len(looks)
    assert len({look.label for look in looks}) == len(looks)
    assert len({marks for marks, _ in zip(zip(COLORS * 8, MARKERS * 7, strict=True), range(56), strict=True)}) == 56
    assert len(set(zip(COLORS * 4, STYLES * 7, strict=True))) == 28


def test_the_longest_legend_fits():
    figure = draw_training_curves(metrics(subsets=tuple(LINES), attribution=True, epochs=(1, 1)))
    figure.draw_without_rendering()
    assert len(legend_texts(figure)) == len(LINES) + 1
    inside = figure.legends[0].get_window_extent()
    assert figure.bbox.y0 <= inside.y0
    assert inside.y1 <= figure.bbox.y1
    assert figure.axes[1].get_window_extent().x1 < inside.x0


def test_metrics_without_rows_are_refused():
    with pytest.raises(UserError, match="no rows"):
        draw_training_curves(metrics(seeds=0))


# Gaps


def gaps(values, seeds=4, contrasts=("ocl", "meta_ocl"), measures=("exact_match",), missing=()):
    """Gaps of .1, .2, … for the seeds of each cell of `values` but the missing ones."""
    rows = [
        (*cell.split("/"), seed, measure, contrast, "stage1", 0.1 * (seed + 1))
        for cell, measure, contrast in product(values, measures, contrasts)
        if cell not in missing
        for seed in range(seeds)
    ]
    return pd.DataFrame(rows, columns=[*CELL, "seed", "measure", "contrast", "when", "gap"])


def axis(values, log=False):
    return {"label": "what varies", "log": log, "values": values}


ALPHA = {f"cvdb/a{alpha}/pythia/two": alpha for alpha in (0.5, 0.75, 1.0)}
SIZE = {
    f"{data}/tve/{name}/two": n for data in ("cvdb", "trex") for name, n in (("s", 7e7), ("m", 4.1e8), ("l", 2.8e9))
}
ORDER = {f"cvdb/{order}/pythia/two": order for order in ("tve", "vte", "evt")}


def titles(figure):
    return [axes.get_title("left") for axes in figure.axes if axes.axison]


def means(axes):
    """The places and values of the means of each line of a panel."""
    return [np.array(container[0].get_data(), dtype=float) for container in axes.containers]


def intervals(axes):
    """The interval of each mean of a panel's first line."""
    return [segment[:, 1] for segment in axes.containers[0][2][0].get_segments() if segment.ndim == 2]


def missing_marks(axes):
    return [x for line in axes.get_lines() if line.get_label() == "no result" for x in line.get_xdata()]


@pytest.mark.parametrize("attribution", [False, True])
def test_a_panel_for_each_contrast(attribution):
    contrasts = ("ocl", "meta_ocl", *(["attribution_meta_ocl"] if attribution else []), "meta_ocl_before_stage2")
    figure = draw_gaps(gaps(ALPHA, contrasts=contrasts), axis(ALPHA))
    assert titles(figure) == ["OCL", "meta-OCL", *(["meta-OCL, attribution"] if attribution else [])]


def test_a_row_of_panels_for_the_area_under_the_curve():
    table = gaps(ALPHA, measures=("exact_match", "auc"))
    table = pd.concat([table, gaps(ALPHA, contrasts=("attribution_meta_ocl",))])
    figure = draw_gaps(table, axis(ALPHA))
    assert [axes.axison for axes in figure.axes] == [True] * 5 + [False]
    assert [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()] == [
        "gap in exact match",
        "gap in area under ROC curve",
    ]


def test_marks_are_means_over_seeds_with_t_intervals_and_dots_are_seeds():
    figure = draw_gaps(gaps(ALPHA), axis(ALPHA))
    for axes in figure.axes:
        ((x, y),) = means(axes)
        assert list(x) == [0.5, 0.75, 1.0]
        assert list(y) == pytest.approx([0.25] * 3)
        expected = stats.t.interval(0.95, 3, loc=0.25, scale=stats.sem([0.1, 0.2, 0.3, 0.4]))
        assert np.array(intervals(axes)) == pytest.approx(np.array([expected] * 3))
        dots = [line for line in axes.get_lines() if line.get_alpha() == 0.35]
        assert sorted(y for line in dots for y in line.get_ydata()) == pytest.approx(sorted([0.1, 0.2, 0.3, 0.4] * 3))
        low, high = axes.get_ylim()
        assert low < min(0, expected[0])
        assert high > max(0.4, expected[1])
    assert figure.get_supxlabel() == "what varies (4 seeds)"


def test_one_seed_has_no_interval():
    figure = draw_gaps(gaps(ALPHA, seeds=1), axis(ALPHA))
    assert not np.isfinite(np.concatenate([[np.nan], *intervals(figure.axes[0])])).any()
    assert len(means(figure.axes[0])[0][0]) == 3
    assert figure.get_supxlabel() == "what varies (1 seed)"


def test_two_data_sets_give_two_lines():
    figure = draw_gaps(gaps(SIZE), axis(SIZE, log=True))
    assert legend_texts(figure) == ["cvdb (4 seeds)", "trex (4 seeds)"]
    for axes in figure.axes:
        assert axes.get_xscale() == "log"
        assert np.log10([x for x, _ in means(axes)]) == pytest.approx(np.log10([[7e7, 4.1e8, 2.8e9]] * 2), abs=0.03)
        assert (means(axes)[0][0] < means(axes)[1][0]).all()
        styles = [container[0].get_linestyle() for container in axes.containers]
        assert styles == ["-", "--"]


@pytest.mark.parametrize(
    ("values", "lines"),
    [
        (ALPHA, 1),
        (ALPHA | {f"cvdb/a{alpha}/t5/two": alpha for alpha in (0.5, 0.9)}, ["pythia", "t5"]),
        # Data amount, each with a plan of its own: neither tells lines apart.
        ({f"cvdb_{n}/tve/pythia/two_{n}": n for n in (250, 500)}, 1),
        # Plans that are each model's own.
        ({f"cvdb/tve/{m}/{m}_{n}": n for m in ("s", "l") for n in (16, 32)}, ["s", "l"]),
        # Two families of models with sizes in between.
        ({"cvdb/tve/pythia_s/two": 70, "cvdb/tve/neo_s/two": 125, "cvdb/tve/pythia_l/two": 410}, 1),
        ({"cvdb/tve/s/two": 1, "trex/tve/s/two": 1}, ["cvdb", "trex"]),
        # The value follows from two slugs together.
        ({"a/x/s/two": 1, "a/y/s/two": 2, "b/x/s/two": 2, "b/y/s/two": 1}, 1),
    ],
)
def test_lines_are_the_slugs_that_the_axis_leaves_open(values, lines):
    figure = draw_gaps(gaps(values), axis(values))
    if lines == 1:
        assert len(figure.axes[0].containers) == 1
        assert legend_texts(figure) == []
    else:
        assert legend_texts(figure) == [f"{name} (4 seeds)" for name in lines]
    assert sum(len(x) for x, _ in means(figure.axes[0])) == len(values)


def test_lines_join_their_marks_from_left_to_right_and_keep_the_order_of_the_cells():
    values = {"cvdb/b/t5/two": 2, "cvdb/c/t5/two": 3, "cvdb/a/t5/two": 1, "cvdb/a/gpt/two": 1, "cvdb/b/gpt/two": 2}
    figure = draw_gaps(gaps(values), axis(values))
    assert legend_texts(figure) == ["t5 (4 seeds)", "gpt (4 seeds)"]
    assert [list(np.round(x)) for x, _ in means(figure.axes[0])] == [[1, 2, 3], [1, 2]]


def test_missing_cells_are_marked():
    figure = draw_gaps(gaps(SIZE, missing=["trex/tve/l/two"]), axis(SIZE, log=True))
    for axes in figure.axes:
        assert missing_marks(axes) == pytest.approx([2.8e9], rel=0.1)
        assert axes.get_xlim()[1] > 2.8e9 * 1.1
    assert "no result" in legend_texts(figure)
    assert missing_marks(draw_gaps(gaps(SIZE), axis(SIZE, log=True)).axes[0]) == []


def test_a_contrast_that_one_cell_lacks_is_marked_in_its_panel_only():
    table = gaps(ORDER)
    table.loc[(table["contrast"] == "meta_ocl") & (table["define_type"] == "evt"), "gap"] = np.nan
    ocl, meta_ocl = draw_gaps(table, axis(ORDER)).axes
    assert missing_marks(ocl) == []
    assert missing_marks(meta_ocl) == [2.0]


def test_a_study_without_any_result_is_all_marks():
    figure = draw_gaps(gaps(ALPHA, seeds=0), axis(ALPHA))
    assert titles(figure) == ["OCL", "meta-OCL"]
    assert [missing_marks(axes) for axes in figure.axes] == [[0.5, 0.75, 1.0]] * 2
    assert figure.get_supxlabel() == "what varies (0 seeds)"


def test_texts_are_categories_in_their_order_and_not_joined():
    figure = draw_gaps(gaps(ORDER), axis(ORDER))
    for axes in figure.axes:
        assert [label.get_text() for label in axes.get_xticklabels()] == ["tve", "vte", "evt"]
        assert list(means(axes)[0][0]) == [0, 1, 2]
        assert axes.containers[0][0].get_linestyle() == "None"
    numbers = draw_gaps(gaps(ALPHA), axis(ALPHA)).axes[0]
    assert numbers.containers[0][0].get_linestyle() == "-"


def test_points_with_fewer_seeds_say_so():
    table = gaps(ALPHA)
    table = table[(table["define_type"] != "a0.75") | (table["seed"] < 2)]
    figure = draw_gaps(table, axis(ALPHA))
    assert figure.get_supxlabel() == "what varies (2–4 seeds)"
    assert [[(note.get_text(), note.xy[0]) for note in axes.texts] for axes in figure.axes] == [[("n=2", 0.75)]] * 2


@pytest.mark.parametrize(
    ("numbers", "ticks"),
    [
        ((70426624, 1011781632, 2775208960), ["70M", "1B", "2.8B"]),
        ((16, 1024, 32768), ["16", "1k", "32k"]),
        ((250, 500, 1000, 2000), ["250", "500", "1000", "2000"]),
    ],
)
def test_ticks_are_the_values_in_few_characters(numbers, ticks):
    values = {f"cvdb/tve/m{number}/two": number for number in numbers}
    for axes in draw_gaps(gaps(values), axis(values, log=True)).axes:
        assert [label.get_text() for label in axes.get_xticklabels()] == ticks


@pytest.mark.parametrize(
    ("values", "log"),
    [
        ({f"cvdb/tve/m/b{2**n}": 2**n for n in range(4, 16)}, True),
        ({f"cvdb/a{a}/m/two": a for a in (0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.97)}, False),
        ({f"cvdb/tve/m/{name}": name for name in ("single stage", "three stages", "in-context definitions")}, False),
    ],
)
def test_labels_do_not_touch(values, log, tmp_path):
    contrasts = ("ocl", "meta_ocl", "attribution_meta_ocl")
    figure = draw_gaps(gaps(values, contrasts=contrasts), axis(values, log))
    save_figure(figure, tmp_path / "gaps.png")
    for axes in figure.axes:
        boxes = [label.get_window_extent() for label in axes.get_xticklabels() if not label.get_rotation()]
        assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    for text in figure.findobj(lambda artist: isinstance(artist, Text) and artist.get_text() and artist.get_visible()):
        box = text.get_window_extent()
        assert figure.bbox.x0 <= box.x0
        assert box.x1 <= figure.bbox.x1


def test_a_gap_beside_the_axis_is_refused():
    with pytest.raises(UserError, match="axis 'what varies': has no value for the cell cvdb/evt/pythia/two"):
        draw_gaps(gaps(ORDER), axis({cell: name for cell, name in ORDER.items() if name != "evt"}))


def test_a_log_scale_of_nothing_is_refused():
    with pytest.raises(UserError, match="0 cannot stand on a log scale"):
        draw_gaps(gaps(ALPHA), axis(ALPHA | {"cvdb/a0/pythia/two": 0}, log=True))


# Files


@pytest.fixture(params=["training curves", "gaps"])
def draw(request):
    if request.param == "gaps":
        return lambda: draw_gaps(gaps(SIZE), axis(SIZE, log=True))
    return lambda: draw_training_curves(metrics(attribution=True))


@pytest.mark.parametrize("ending", ["pdf", "svg", "png"])
def test_equal_figures_are_equal_files_whatever_the_user_likes(draw, ending, tmp_path):
    save_figure(draw(), tmp_path / f"one.{ending}")
    with matplotlib.rc_context({"lines.linewidth": 9, "font.size": 20, "svg.hashsalt": None, "pdf.fonttype": 3}):
        save_figure(draw(), tmp_path / f"two.{ending}")
    one, two = ((tmp_path / f"{name}.{ending}").read_bytes() for name in ("one", "two"))
    assert one == two
    assert b"CreationDate" not in one
    assert b"dc:date" not in one


def test_fonts_are_embedded_as_truetype(draw, tmp_path):
    save_figure(draw(), tmp_path / "figure.pdf")
    content = (tmp_path / "figure.pdf").read_bytes()
    assert content.count(b"/FontFile2") >= 1
    assert b"/Subtype /Type3" not in content


def test_an_svg_needs_no_font(draw, tmp_path):
    save_figure(draw(), tmp_path / "figure.svg")
    assert "<text" not in (tmp_path / "figure.svg").read_text()


def test_the_script_draws_gaps_as_all_formats(tmp_path):
    write_table(pa.Table.from_pandas(gaps(ORDER)), tmp_path / "gaps.parquet")
    figures = [tmp_path / f"gaps.{ending}" for ending in ("pdf", "svg", "png")]
    command = [sys.executable, SCRIPTS / "plot_gaps.py", "--gaps", tmp_path / "gaps.parquet"]
    subprocess.run([*command, "--axis", json.dumps(axis(ORDER)), "--figures", *figures], check=True)
    assert [figure.read_bytes()[:4] for figure in figures] == [b"%PDF", b"<?xm", b"\x89PNG"]
