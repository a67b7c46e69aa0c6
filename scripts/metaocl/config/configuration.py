"""The whole configuration: the sections, and what they must agree in."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from metaocl.config.datasets import Dataset
from metaocl.config.define_types import DefineType
from metaocl.config.entry import Entry, LocalPath, Slug
from metaocl.config.measurements import Measurement
from metaocl.config.models import Model
from metaocl.config.plans import Plan, swapped_plan
from metaocl.config.sources import Modular, SetInclusion
from metaocl.config.studies import Study
from metaocl.design.subsets import apportion


class Pathvars(Entry):
    """Snakemake's path variables: where results go."""

    results: str = Field(
        default="results",
        pattern=r"^[A-Za-z0-9_./][A-Za-z0-9_./-]*$",
        description="The folder of all results, from the folder in which Snakemake runs. Only config/config.yaml has "
        "`results` by default; any other configuration names one.",
    )

    @field_validator("results")
    @classmethod
    def _is_a_folder(cls, given: str) -> str:
        """The path as everybody writes it: Snakemake warns of each file in `./x//`."""
        path = PurePosixPath(given)
        if path.name in ("", ".."):
            raise ValueError("expected a folder of its own, such as results/mine")
        return str(path)


class Config(Entry):
    """The whole configuration."""

    cosmetic: ClassVar[frozenset[str]] = frozenset({"keep"})

    pathvars: Pathvars = Field(default=Pathvars(), description="Where results go.")
    keep: Literal["all", "until_measured"] = Field(
        default="all",
        description="Weights that stages leave: `all` stay; `until_measured` removes those that no later stage and no "
        "measurement needs any more (a further stage-2 seed then trains stage 1 again). Base models and prepared ones "
        "stay.",
    )
    study: Slug = Field(description="The study that `snakemake` without a target makes.")
    studies: dict[Slug, Study] = Field(min_length=1, description="Studies by name.")
    datasets: dict[Slug, Dataset] = Field(
        description="Data sets by name. Those of the same facts share base models, which lie under the name of the "
        "first: further ones go behind it."
    )
    define_types: dict[Slug, DefineType] = Field(description="Define types by name.")
    models: dict[Slug, Model] = Field(description="Models by name.")
    plans: dict[Slug, Plan] = Field(description="Stage plans by name.")
    measurements: dict[Slug, Measurement] = Field(
        default={}, description="Measurements of finished models, by name; each has a `kind`."
    )
    claims: list[LocalPath] | None = Field(
        default=None,
        min_length=1,
        description="Files of claims to judge, from the folder in which Snakemake runs, in place of the project's own "
        "(`config/claims.yaml`); no id may be in two. No braces or angle brackets, and no hyphen in front.",
    )
    hypotheses: list[LocalPath] | None = Field(
        default=None,
        min_length=1,
        description="The same of hypotheses, in place of `config/hypotheses.yaml`.",
    )

    @model_validator(mode="after")
    def _names_are_declared(self) -> Config:
        if self.study not in self.studies:
            raise ValueError(f"study is {self.study!r}; declared studies: {', '.join(self.studies)}")
        for name, study in self.studies.items():
            for key in ("datasets", "define_types", "models", "plans", "measurements"):
                declared = getattr(self, key)
                if missing := [slug for slug in getattr(study, key) if slug not in declared]:
                    raise ValueError(
                        f"studies.{name}.{key} names {', '.join(missing)}; declared {key}: {', '.join(declared)}"
                    )
        return self

    @model_validator(mode="after")
    def _branches_have_a_trunk(self) -> Config:
        for name, plan in self.plans.items():
            trunk = self.plans.get(plan.branch_of) if plan.branch_of else None
            if plan.branch_of and (trunk is None or trunk.branch_of or len(trunk.stages) < 2):
                whole = [each for each, other in self.plans.items() if not other.branch_of and len(other.stages) > 1]
                raise ValueError(
                    f"plans.{name}.branch_of is {plan.branch_of!r}; plans of several stages, not branches themselves, "
                    f"are {', '.join(whole) or '(none)'}"
                )
            if plan.branch_of and len(plan.stages) > 1:
                raise ValueError(f"plans.{name} has {len(plan.stages)} stages; a branch has its last stage alone")
        return self

    @model_validator(mode="after")
    def _pairs_have_tags(self) -> Config:
        for name, study in self.studies.items():
            if not study.paired:
                continue
            if otherwise := [plan for plan in study.plans if self.plans[plan].is_tagged_otherwise]:
                raise ValueError(f"studies.{name}.paired: the tags of plan {otherwise[0]} are not its own")
            if taken := [plan for plan in study.plans if swapped_plan(plan) in self.plans]:
                raise ValueError(
                    f"studies.{name}.paired makes a plan {swapped_plan(taken[0])}; rename the one that is there"
                )
        return self

    @model_validator(mode="after")
    def _subsets_hold_aliases(self) -> Config:
        for name, dataset in self.datasets.items():
            aliases = dataset.variables or dataset.entities
            counts = apportion(aliases, dataset.shares)
            if empty := [subset for subset, share in dataset.shares.items() if share > 0 and counts[subset] == 0]:
                raise ValueError(
                    f"datasets.{name}.shares of {', '.join(empty)} come to none of the {aliases} aliases; ask for more "
                    "entities, or for a share of 0"
                )
        return self

    @model_validator(mode="after")
    def _sizes_are_known(self) -> Config:
        for name, study in self.studies.items():
            unknown = [model for model in study.models if self.models[model].parameters is None]
            if study.axis == "model_size" and unknown:
                raise ValueError(f"studies.{name}.axis is model_size; give models.{unknown[0]}.parameters")
        return self

    @model_validator(mode="after")
    def _base_models_read_names(self) -> Config:
        for name, study in self.studies.items():
            trained = [model for model in study.models if self.models[model].base_training]
            numbers = [
                data for data in study.datasets if isinstance(self.datasets[data].source, SetInclusion | Modular)
            ]
            if trained and numbers:
                raise ValueError(
                    f"studies.{name} trains the base model {trained[0]} on {numbers[0]}, whose entities have no names "
                    "of their own: give it a model without base_training"
                )
        return self
