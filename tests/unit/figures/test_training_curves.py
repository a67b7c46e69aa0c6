from __future__ import annotations

import pandas as pd
import pytest
from figure_samples import HELD_OUT, TREX, legend_texts, metrics
from scipy import stats

from metaocl.errors import UserError
from metaocl.figures.gaps import COLORS, MARKERS, STYLES
from metaocl.figures.training_curves import AS_DEFINED, LINES, draw_training_curves


def labels_of(axes):
    return axes.get_legend_handles_labels()[1]


def line_of(axes, label):
    return next(line for line in axes.get_lines() if line.get_label() == label)


def dashed_at(axes):
    return [line.get_xdata()[0] for line in axes.get_lines() if len(set(line.get_xdata())) == 1]


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


def test_a_cell_whose_subsets_have_no_line_says_that_nothing_was_measured():
    pairs = metrics(TREX, auc=True, subsets=("with_reliable",))
    without = pairs[pairs["measure"] == "auc"]
    figure = draw_training_curves(pd.concat([metrics(auc=True), metrics(TREX), without]))
    auc = figure.axes[3]
    assert auc.texts[0].get_text() == "area under ROC curve:\nnot measured"
    assert not auc.get_lines()
    alone = draw_training_curves(pd.concat([metrics(), metrics(TREX), without]))
    assert [axes.get_ylabel() for axes in alone.axes] == ["exact match", ""]


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
    with pytest.raises(UserError, match="no rows"):
        draw_training_curves(metrics(subsets=("with_reliable",)))
