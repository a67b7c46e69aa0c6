from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from figure_samples import ALPHA, ORDER, SIZE, axis, gaps, legend_texts
from matplotlib.text import Text
from scipy import stats

from metaocl.errors import UserError
from metaocl.figures.gaps import draw_gaps
from metaocl.figures.style import save_figure


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


def test_what_was_measured_of_mechanisms_has_no_row_of_panels():
    measured = [
        gaps(ALPHA, contrasts=(contrast,), measures=(measure,))
        for measure, contrast in (("cosine:all", "alignment"), ("question_loss", "question_loss_paired"))
    ]
    figure = draw_gaps(
        pd.concat([gaps(ALPHA, contrasts=("ocl", "meta_ocl", "meta_ocl_paired")), *measured]), axis(ALPHA)
    )
    assert titles(figure) == ["OCL", "meta-OCL", "meta-OCL, paired"]
    assert [axes.get_ylabel() for axes in figure.axes] == ["gap in exact match", "", ""]
    assert legend_texts(figure) == []
    alone = draw_gaps(pd.concat(measured), axis(ALPHA))
    assert [axes.get_ylabel() for axes in alone.axes] == ["gap in exact match", ""]
    assert [missing_marks(axes) for axes in alone.axes] == [[0.5, 0.75, 1.0]] * 2


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


@pytest.mark.parametrize("log", [False, True])
def test_lines_at_a_single_value_stand_beside_each_other(log):
    values = {f"{data}/tve/s/two": 16 for data in ("cvdb", "trex", "people")}
    axes = draw_gaps(gaps(values), axis(values, log)).axes[0]
    first, second, third = sorted(x for (x,), _ in means(axes))
    left, right = axes.get_xlim()
    assert left < first < second < third < right
    assert second == pytest.approx(16)


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
