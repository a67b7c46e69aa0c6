"""The benchmark's page says who was faster, and by how much."""

import copy
import re

import pytest
from page import rows, write_work

SIDE = {
    "usage": {"seconds": 100.0, "core_seconds": 80.0, "memory": 500.0, "device_memory": 0.0},
    "train_seconds": 20.0,
    "evaluate_seconds": 30.0,
    "answer_seconds": 30.0,
    "startup_seconds": 5.0,
    "further_seconds": 15.0,
    "overhead_seconds": 2.0,
}
WORK = {
    "title": "A work",
    "threads": 1,
    "peak_operations": 1e9,
    "parameters": 1000,
    "steps": 10,
    "tokens": 5000,
    "sweeps": 3,
    "agreement": {"figures": 4, "equal": 4, "largest_difference": 0.0, "end": {}},
}


def scaled(factor):
    """A side that took so many times as much of everything."""
    side = {key: value * factor for key, value in SIDE.items() if key != "usage"}
    return side | {"usage": {key: value * factor for key, value in SIDE["usage"].items()}}


def ratios(work):
    """The last column of a work's table, by row."""
    cells = [line.split(" | ") for line in write_work("", work)[1].splitlines()[2:]]
    return {row[0].strip("| "): row[-1].strip("| ") for row in cells}


@pytest.mark.parametrize(("factors", "expected"), [((2, 3, 4), "3.00 (2.00–4.00)"), ((0.5,), "0.50 (0.50–0.50)")])
def test_every_ratio_says_how_many_times_better_the_workflow_is(factors, expected):
    found = ratios(WORK | {"pairs": [{"workflow": SIDE, "plain": scaled(factor)} for factor in factors]})
    assert len(found) == 10
    assert set(found.values()) == {expected}


def test_the_rates_are_those_of_tokens_steps_and_arithmetic():
    values = {label: value(SIDE) for label, _, _, value in rows(WORK | {"pairs": [{"plain": SIDE}]})}
    assert values["training, real tokens/s"] == 5000 / 20
    assert values["training, steps/s"] == 10 / 20
    assert values["training, % of peak arithmetic"] == pytest.approx(100 * 6 * 1000 * 250 / 1e9)
    assert values["evaluation, s per sweep"] == 10


def test_memory_of_a_gpu_is_shown_where_there_is_one():
    side = copy.deepcopy(SIDE)
    side["usage"]["device_memory"] = 300.0
    assert "peak GPU memory, MB" in ratios(WORK | {"pairs": [{"workflow": side, "plain": side}]})


def test_a_work_without_its_gpu_is_said_to_be_not_measured():
    assert re.search("[Nn]ot measured", " ".join(write_work("A work", None)))
