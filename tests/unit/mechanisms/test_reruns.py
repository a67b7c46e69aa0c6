"""An edit of a measurement or a hypothesis reruns no training and no other measurement; of images none of text."""

from __future__ import annotations

from pathlib import Path

import pytest

from metaocl.artifacts.code_version import reached_definitions

SCRIPTS = Path(__file__).parents[3] / "scripts"
OWN = {
    "alignment": "alignment",
    "readout_overlap": "readout",
    "tag_semantics": "semantics",
    "tag_probes": "tag_probes",
    "question_loss": "question_loss",
    "transplant": "transplants",
    "steering": "steering",
}


def reached_modules(script):
    return {module for module, _ in reached_definitions(SCRIPTS / f"{script}.py")}


def test_training_reaches_no_measurement_and_no_hypothesis():
    training = ("train_stage", "train_stage_on_images", "train_base_model")
    for script in (*training, "write_documents", "write_new_definitions"):
        reached = reached_modules(script)
        assert not [module for module in reached if module.startswith(("metaocl.mechanisms", "metaocl.claims"))]


def test_text_and_images_are_trained_by_scripts_that_reach_no_code_of_the_other():
    text, images = reached_modules("train_stage"), reached_modules("train_stage_on_images")
    assert not [module for module in text if module.startswith("metaocl.vision")]
    assert not [module for module in images if module.startswith("metaocl.text")]
    assert {"metaocl.stage_command", "metaocl.training.loop"} <= text & images


@pytest.mark.parametrize("measurement", OWN)
def test_a_measurement_reaches_its_own_module_and_no_others(measurement):
    reached = {module.rpartition(".")[2] for module in reached_modules(f"measure_{measurement}")}
    assert OWN[measurement] in reached
    # Steering has the transplant as its control.
    others = set(OWN.values()) - {OWN[measurement], *({"transplants"} if measurement == "steering" else ())}
    assert reached & others == set()
