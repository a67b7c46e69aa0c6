"""Every architecture of transformers' registry agrees with transformers itself or is refused before training."""

from __future__ import annotations

import pytest
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
)

from tools.document_models import PAGE, judge, write_page
from tools.tiny_models import ARCHITECTURES

pytestmark = pytest.mark.slow  # a minute
VERDICTS = {}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_loss_gradients_and_answers_are_those_of_transformers_or_it_is_refused(architecture):
    verdict = VERDICTS[architecture] = judge(architecture)
    if verdict.outcome == "unbuilt":
        pytest.skip(verdict.detail)
    assert "\n" not in verdict.detail
    assert verdict.outcome in ("agrees", "refused")


def test_most_architectures_are_compared_and_the_page_lists_them():
    verdicts = {name: VERDICTS.get(name) or judge(name) for name in ARCHITECTURES}
    agreeing = {name for name, verdict in verdicts.items() if verdict.outcome == "agrees"}
    assert len(agreeing & MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.keys()) >= 60
    assert {"t5", "mt5", "umt5", "longt5"} <= agreeing & MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES.keys()
    assert PAGE.read_text(encoding="utf-8") == write_page(verdicts), "out of date, run scripts/tools/document_models.py"
