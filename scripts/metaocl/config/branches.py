"""Plans that follow from others: branches with all their stages, and the twins with swapped tags of paired studies."""

from __future__ import annotations

from metaocl.config.configuration import Config
from metaocl.config.plans import swapped_plan


def with_branches(config: Config) -> Config:
    """A configuration whose branches have the stages that they share, and whose paired studies have their twins."""
    plans = {}
    for name, plan in config.plans.items():
        shared = config.plans[plan.branch_of].stages[:-1] if plan.branch_of else []
        plans[name] = plan.model_copy(update={"stages": [*shared, *plan.stages]})
    for plan_name in [name for study in config.studies.values() if study.paired for name in study.plans]:
        plan = plans[plan_name]
        last = plan.stages[-1].model_copy(update={"tags": "swapped"})
        update = {"branch_of": plan.branch_of or plan_name, "stages": [*plan.stages[:-1], last]}
        plans[swapped_plan(plan_name)] = plan.model_copy(update=update)
    return config.model_copy(update={"plans": plans})
