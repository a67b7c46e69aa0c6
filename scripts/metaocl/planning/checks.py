"""What only data sets, define types and plans together tell to be a mistake, before anything runs."""

from __future__ import annotations

from itertools import product
from math import ceil

from metaocl.config.configuration import Config
from metaocl.config.entry import ConfigError
from metaocl.config.sources import Trex
from metaocl.planning.costs import stage_documents

ROUNDING = 1.1  # shares and held-out questions come to whole numbers; a job knows exactly
MOST_TO_USUAL_QUESTIONS_OF_TREX = 5


def check_warm_ups(config: Config, origin: str) -> None:
    """Raises ConfigError for a stage of a study that ends before its warm-up, whatever its documents are exactly."""
    studies = config.studies.values()
    combinations = {each for s in studies for each in product(s.datasets, s.define_types, s.plans)}
    for dataset_name, define_type, plan in sorted(combinations):
        dataset = config.datasets[dataset_name]
        more = ROUNDING * (MOST_TO_USUAL_QUESTIONS_OF_TREX if isinstance(dataset.source, Trex) else 1)
        for number, stage in enumerate(config.plans[plan].stages):
            documents = stage_documents(stage, dataset, config.define_types[define_type])
            steps = stage.epochs * ceil(more * documents / stage.batch_size)
            if stage.warmup_steps > steps:
                raise ConfigError(
                    f"{origin}: plans.{plan}.stages.{number}.warmup_steps is {stage.warmup_steps}; on {dataset_name} "
                    f"the stage ends after about {steps} steps"
                )
