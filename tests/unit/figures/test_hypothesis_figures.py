from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

import plot_hypotheses
from metaocl.errors import UserError
from metaocl.figures.hypotheses import COLORS, draw_hypotheses


def finding(hypothesis, must_be, threshold, estimate, outcome):
    low, high = estimate - 0.02, estimate + 0.02
    return {"hypothesis": hypothesis, "fate": "open", "statement": f"It is {must_be}.", "outcome": outcome} | {
        "quantity": "meta_ocl",
        "must_be": must_be,
        "threshold": threshold,
        "estimate": estimate,
        "ci_low": low,
        "ci_high": high,
    }


FINDINGS = pd.DataFrame(
    [
        finding("h1", "above", 0.05, 0.1, "supported"),
        finding("h1", "within", 0.01, 0.2, "failed"),
        finding("h2", "below", 0.0, 0.01, "undecided"),
        finding("h2", "below", 0.0, np.nan, "not run"),
    ]
)


def test_a_row_per_prediction_that_was_run_under_its_hypothesis():
    figure = draw_hypotheses(FINDINGS)
    texts = [text.get_text() for text in figure.texts]
    assert [text for text in texts if text.endswith("open")] == ["h1: open", "h2: open"]
    assert [text for text in texts if text in COLORS] == ["supported", "failed", "undecided"]
    for axes, found in zip(figure.axes, FINDINGS.itertuples(), strict=False):
        _, interval, dot = axes.lines
        assert list(interval.get_xdata()) == [found.ci_low, found.ci_high]
        assert list(dot.get_xdata()) == [found.estimate]
        assert to_hex(dot.get_color()).upper() == COLORS[found.outcome]


def test_a_prediction_that_was_run_without_an_estimate_is_named_and_says_so():
    none = finding("h2", "below", 0.0, np.nan, "undecided") | {"statement": "Nothing varies."}
    texts = [text.get_text() for text in draw_hypotheses(pd.DataFrame([*FINDINGS.to_dict("records"), none])).texts]
    place = texts.index("Nothing varies.")
    assert texts[place : place + 3] == ["Nothing varies.", "undecided", "no estimate"]
    assert texts.count("no estimate") == 1
    alone = draw_hypotheses(pd.DataFrame([none]))
    assert (len(alone.axes), "no estimate" in [text.get_text() for text in alone.texts]) == (0, True)
    alone.canvas.draw()


def test_dollars_in_a_statement_are_no_mathematics():
    figure = draw_hypotheses(FINDINGS.assign(statement="It rises from $a_$ to $5."))
    figure.canvas.draw()
    assert sum(text.get_text().startswith("It rises from $a_$") for text in figure.texts) == 3


def extents(figure):
    """Where each text of a figure stands, in pixels, by its words; those below what is drawn come under "quantity"."""
    figure.draw_without_rendering()
    texts = {text.get_text(): text.get_window_extent() for text in figure.texts}
    return texts | {f"quantity {place}": axes.xaxis.label.get_window_extent() for place, axes in enumerate(figure.axes)}


@pytest.mark.parametrize(("words", "cells"), [(10, 1), (90, 1), (10, 9), (200, 9)])
def test_no_text_runs_into_another(words, cells):
    types = " + ".join(f"a_define_type_of_a_long_name_{cell}" for cell in range(cells))
    rows = FINDINGS.head(3).assign(
        statement=[f"{letter}word " * words for letter in "abc"], quantity=f"alignment ({types} against all cells)"
    )
    places = extents(draw_hypotheses(rows))
    found = [place for place in places.values() if place.width]
    assert len(found) == 2 + 3 * 3
    for number, one in enumerate(found):
        assert not any(one.overlaps(other) for other in found[number + 1 :])
    assert min(place.y0 for place in found) >= 0


def test_what_is_measured_has_its_own_name():
    figure = draw_hypotheses(FINDINGS.assign(quantity="ocl (people_500, a.b-c)"))
    assert {axes.get_xlabel() for axes in figure.axes} == {"ocl (people_500, a.b-c)"}


def test_the_script_reads_ids_and_texts_as_they_are_written(tmp_path, monkeypatch):
    rows = FINDINGS.assign(hypothesis=["null", "nan", "01", "01"], statement="NA")
    rows.to_csv(tmp_path / "findings.csv", index=False)
    places = ["--findings", str(tmp_path / "findings.csv"), "--figures", str(tmp_path / "figure.png")]
    monkeypatch.setattr("sys.argv", ["plot_hypotheses.py", *places])
    drawn = []
    monkeypatch.setattr(plot_hypotheses, "draw_hypotheses", lambda table: drawn.append(table) or draw_hypotheses(table))
    plot_hypotheses.main()
    (read,) = drawn
    pd.testing.assert_frame_equal(read, rows.reset_index(drop=True), check_dtype=False)


def test_shaded_is_where_a_prediction_had_to_lie():
    shaded = []
    for axes in draw_hypotheses(FINDINGS).axes:
        (patch,) = axes.patches
        left, right = patch.get_x(), patch.get_x() + patch.get_width()
        low, high = axes.get_xlim()
        shaded.append(
            [None if np.isclose(left, low) else round(left, 6), None if np.isclose(right, high) else round(right, 6)]
        )
    assert shaded == [[0.05, None], [-0.01, 0.01], [None, 0.0]]


def test_nothing_run_is_nothing_to_draw():
    with pytest.raises(UserError, match="nothing to draw"):
        draw_hypotheses(FINDINGS.tail(1))
