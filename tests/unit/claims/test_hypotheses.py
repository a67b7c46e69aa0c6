"""Hypotheses on made tables, one for each verdict."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from claim_samples import FOUR, make_gaps

from metaocl.claims.hypotheses import Finding, fate_of, judge_hypothesis
from metaocl.config.entry import ConfigError
from metaocl.config.hypotheses import parse_hypotheses, read_hypotheses

AXIS = {"s": {}}


def hypothesis(*predictions, minimum_seeds=4):
    common = {"id": "p", "statement": "It is so.", "study": "s", "contrast": "meta_ocl", "must_be": "above"}
    entry = {"id": "h", "statement": "Why.", "bed": "a made table", "minimum_seeds": minimum_seeds}
    entry["predictions"] = [common | {"id": f"p{n}"} | each for n, each in enumerate(predictions)]
    (parsed,) = parse_hypotheses({"hypotheses": [entry]}, "made.yaml")
    return parsed


def outcomes(parsed, gaps, axes=AXIS):
    return [finding.outcome for finding in judge_hypothesis(parsed, gaps, axes)]


def test_each_verdict_of_a_prediction():
    gaps = {"s": make_gaps(FOUR)}
    predictions = (
        {},
        {"must_be": "below"},
        {"threshold": 0.25},
        {"study": "t"},
        {"must_be": "within", "threshold": 0.001},
    )
    assert outcomes(hypothesis(*predictions), gaps) == ["supported", "failed", "undecided", "not run", "failed"]
    assert outcomes(hypothesis({}, minimum_seeds=5), gaps) == ["undecided"]


def test_a_finding_has_its_estimate_with_an_interval():
    (mean,) = judge_hypothesis(hypothesis({}), {"s": make_gaps(FOUR)}, AXIS)
    assert mean.estimate == pytest.approx(np.mean(FOUR))
    assert mean.ci_low < mean.estimate < mean.ci_high
    (rho,) = judge_hypothesis(hypothesis(RELATION), related(-1), AXIS)
    assert (rho.estimate, rho.ci_high) == pytest.approx((-1, -1))
    (gone,) = judge_hypothesis(hypothesis({"study": "t"}), {}, AXIS)
    assert np.isnan(gone.estimate)


@pytest.mark.parametrize(
    ("found", "fate"),
    [
        (["supported", "supported"], "survives"),
        (["supported", "failed"], "ruled out here"),
        (["not run", "failed"], "ruled out here"),
        (["supported", "undecided"], "open"),
        (["supported", "not run"], "open"),
    ],
)
def test_what_becomes_of_a_hypothesis(found, fate):
    assert fate_of([Finding("h", "p", outcome, "") for outcome in found]) == fate


def related(sign, seeds=12):
    """Alignment and the loss of questions in two cells; in each the loss is `sign` times the alignment."""
    random = np.random.default_rng(0)
    tables = []
    for define_type, level in (("tve", 0.1), ("weak", 0.0)):
        alignment = level + 0.02 * random.standard_normal(seeds)
        tables.append(make_gaps(alignment, "alignment", define_type=define_type).assign(measure="cosine:all"))
        loss = make_gaps(sign * alignment, "question_loss_paired", define_type=define_type)
        tables.append(loss.assign(measure="question_loss"))
    return {"s": pd.concat(tables)}


RELATION = {"contrast": "alignment", "relates_to": "question_loss_paired", "cells": {"define_types": ["tve"]}}


def test_each_verdict_of_a_relation():
    below = RELATION | {"must_be": "below"}
    assert outcomes(hypothesis(below, RELATION), related(-1)) == ["supported", "failed"]
    assert outcomes(hypothesis(below, minimum_seeds=13), related(-1)) == ["undecided"]
    assert outcomes(hypothesis(below), {"s": make_gaps(FOUR)}) == ["not run"]
    assert outcomes(hypothesis(below), {}) == ["not run"]


def test_two_cells_cannot_show_a_relation_over_cells():
    over = {"contrast": "alignment", "relates_to": "question_loss_paired", "over": "cells", "must_be": "below"}
    (finding,) = judge_hypothesis(hypothesis(over), related(-1), AXIS)
    assert (finding.outcome, finding.p_value) == ("undecided", 0.5)
    said = "Spearman's ρ of alignment and question_loss_paired over 2 cells is -1.00 [-1.00, -1.00], 12 seeds."
    assert finding.reason == said


OVER_CELLS = {"relates_to": "ocl", "over": "cells"}


def test_a_relation_over_cells_says_how_many_they_are_and_which_seeds_are_left_out():
    tables = [
        make_gaps([10 * place + gap for gap in (0, 1, 2, 3, 4, 5)[:seeds]], contrast, plan=plan)
        for contrast in ("meta_ocl", "ocl")
        for place, (plan, seeds) in enumerate({"a": 6, "b": 6, "c": 4 if contrast == "ocl" else 6}.items())
    ]
    (found,) = judge_hypothesis(hypothesis(OVER_CELLS), {"s": pd.concat(tables)}, AXIS)
    said = "over 3 cells is 1.00, 4 seeds; 2 seeds that lack a cell are left out."
    assert found.reason == f"Spearman's ρ of meta_ocl and ocl {said}"


@pytest.mark.parametrize("over", ["seeds", "cells"])
def test_a_relation_of_what_does_not_vary_says_so_and_has_no_interval(over):
    tables = [make_gaps([0.1] * 6), make_gaps([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], "ocl")]
    (found,) = judge_hypothesis(hypothesis(OVER_CELLS | {"over": over}), {"s": pd.concat(tables)}, AXIS)
    where = {"seeds": "seeds", "cells": "1 cell"}[over]
    assert found.reason == (
        f"The relation of meta_ocl and ocl over {where} has no ρ, as one of the two does not vary, 6 seeds."
    )
    assert np.isnan([found.estimate, found.ci_low, found.ci_high]).all()
    assert (found.outcome, found.p_value) == ("undecided", 1)


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        ({"contrast": "alinement"}, "no such contrast"),
        ({"relates_to": "ocl", "threshold": 0.1}, "above or below 0"),
        ({"relates_to": "ocl", "slope_along": "plans"}, "above or below 0"),
        ({"over": "cells"}, "over is for a relation; give relates_to"),
        ({"must_be": "equal"}, "'above', 'below' or 'within'"),
        ({"colour": "red"}, "unknown key"),
    ],
)
def test_mistakes_are_one_line(mistake, message):
    with pytest.raises(ConfigError, match=r"made\.yaml") as raised:
        hypothesis(mistake)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_id_is_given_once():
    with pytest.raises(ConfigError, match="more than once"):
        hypothesis({}, {"id": "p0"})


def test_hypotheses_of_several_files_have_ids_of_their_own(tmp_path):
    files = []
    for name, prediction in (("a", "p"), ("b", "q"), ("c", "a")):
        predicted = {"id": prediction, "statement": "It is so.", "study": "s", "contrast": "ocl", "must_be": "above"}
        entry = {"id": name, "statement": "Why.", "bed": "a made table", "predictions": [predicted]}
        files.append(tmp_path / f"{name}.yaml")
        files[-1].write_text(json.dumps({"hypotheses": [entry]}))
    assert [each.id for each in read_hypotheses(files[:2])] == ["a", "b"]
    with pytest.raises(ConfigError) as error:
        read_hypotheses(files)
    assert str(error.value) == f"{files[2]}: has the id a, as another file has; an id may be in one alone"


def test_a_relation_is_that_of_the_cells_that_have_both_contrasts():
    def cell(plan, contrast, by):
        return make_gaps([by + gap for gap in FOUR], contrast, plan=plan)

    gaps = [cell("a", "meta_ocl", 9), *(cell(plan, "meta_ocl", n) for n, plan in enumerate("bcd"))]
    gaps += [*(cell(plan, "ocl", n) for n, plan in enumerate("bcd")), cell("e", "ocl", -9)]
    (found,) = judge_hypothesis(hypothesis({"relates_to": "ocl", "over": "cells"}), {"s": pd.concat(gaps)}, AXIS)
    assert found.estimate == pytest.approx(1)
    apart = [cell("a", "meta_ocl", 0), cell("b", "ocl", 0)]
    assert outcomes(hypothesis({"relates_to": "ocl", "over": "cells"}), {"s": pd.concat(apart)}) == ["not run"]
