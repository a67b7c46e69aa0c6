"""Claims as data: typed entries of the files of claims; the paper's are in config/claims.yaml."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from metaocl.config.entry import ConfigError, Entry, Slug
from metaocl.config.parsing import describe_mistake
from metaocl.config.yaml_files import read_yaml
from metaocl.design.contrasts import CONTRASTS, SIGNIFICANCE

CONTRAST_NAMES = tuple(CONTRASTS)
COLUMN_OF = {"datasets": "dataset", "define_types": "define_type", "models": "model", "plans": "plan"}


def _known_contrast(name: str) -> str:
    if name not in CONTRAST_NAMES:
        meant = get_close_matches(name, CONTRAST_NAMES, n=1)
        asked = f"; did you mean {meant[0]}?" if meant else ""
        raise ValueError(f"no such contrast{asked} Known are {', '.join(CONTRAST_NAMES)}")
    return name


ContrastName = Annotated[str, AfterValidator(_known_contrast)]


class Cells(Entry):
    """Which cells of a study are meant: those that meet every condition given."""

    datasets: list[Slug] | None = Field(default=None, min_length=1, description="Data sets, by slug.")
    define_types: list[Slug] | None = Field(default=None, min_length=1, description="Define types, by slug.")
    models: list[Slug] | None = Field(default=None, min_length=1, description="Models, by slug.")
    plans: list[Slug] | None = Field(default=None, min_length=1, description="Stage plans, by slug.")
    x_range: tuple[float, float] | None = Field(
        default=None, description="Least and largest x on the study's axis, both included."
    )
    x_end: Literal["smallest", "largest"] | None = Field(
        default=None, description="Of the cells that meet the other conditions, those at this end of the axis."
    )

    @model_validator(mode="after")
    def _range_is_in_order(self) -> Self:
        if self.x_range and self.x_range[0] > self.x_range[1]:
            raise ValueError(f"x_range is {list(self.x_range)}; its first number must not be above its second")
        return self


class Comparison(Entry):
    """What is computed for each stage-1 seed."""

    contrast: ContrastName = Field(description="Contrast between subsets.")
    less: ContrastName | None = Field(default=None, description="Contrast to subtract from it, in the same cell.")
    cells: Cells = Field(default=Cells(), description="Cells to look at; by default all of the study.")
    against: Cells | None = Field(default=None, description="Cells whose mean is subtracted from the mean of `cells`.")
    slope_along: Literal["datasets", "define_types", "models", "plans"] | None = Field(
        default=None,
        description="Take the slope on the study's axis in place of the mean; this is what varies on it. Cells that "
        "differ in something else get an intercept each.",
    )
    scale: Literal["linear", "log"] = Field(
        default="linear", description="The slope is on x, or on its logarithm to base 2."
    )

    @model_validator(mode="after")
    def _mean_or_slope(self) -> Self:
        if self.slope_along and self.against:
            raise ValueError("give either against or slope_along")
        if self.scale == "log" and not self.slope_along:
            raise ValueError("scale needs slope_along")
        return self


class Part(Comparison):
    """One statement of a claim: a comparison, and where its mean over seeds lies."""

    must_be: Literal["above", "below", "within"] = Field(
        description="`above` or `below` the threshold (one-sided paired t test), or `within` ± the threshold "
        "(equivalence: two one-sided t tests)."
    )
    threshold: float = Field(default=0, description="Limit of the mean, or its largest distance from 0 for `within`.")

    @model_validator(mode="after")
    def _margins_are_positive(self) -> Self:
        if self.must_be == "within" and self.threshold <= 0:
            raise ValueError(f"threshold is {self.threshold:g}; with must_be: within it must be positive")
        return self


class ClaimTest(Entry):
    """What a claim says of one study."""

    study: Slug = Field(description="The study that tests it.")
    parts: list[Part] = Field(min_length=1, description="All must hold.")
    controls: list[Comparison] = Field(
        default=[], description="Each must hold 0 in its 95 % interval, or the claim is neither reproduced nor refuted."
    )
    significance: float = Field(
        default=SIGNIFICANCE, gt=0, le=SIGNIFICANCE, description="Level of the tests of the parts."
    )
    minimum_seeds: int = Field(default=10, ge=2, description="Fewest stage-1 seeds for a verdict.")


class Statement(Entry):
    """What is claimed."""

    id: Slug = Field(description="Name of the claim.")
    statement: str = Field(min_length=1, description="The claim in a sentence.")


class Claim(ClaimTest, Statement):
    """A claim of the paper as one study tests it, which is what a verdict is about."""

    number: int = Field(default=0, description="Its place in the file, from 1, whichever claims are shown.")


class StatedClaim(Statement):
    """A claim of the paper, and the studies that test it, of small models and of large ones."""

    tests: list[ClaimTest] = Field(min_length=1, description="A verdict for each.")

    @model_validator(mode="after")
    def _no_study_twice(self) -> Self:
        if doubled := [name for name, count in Counter(test.study for test in self.tests).items() if count > 1]:
            raise ValueError(f"tests has the study {', '.join(doubled)} more than once")
        return self

    def claims(self, number: int) -> list[Claim]:
        """The claim by each of its studies."""
        return [Claim(id=self.id, statement=self.statement, number=number, **dict(test)) for test in self.tests]


class Claims(Entry):
    """The file of claims."""

    claims: list[StatedClaim] = Field(min_length=1, description="The claims in the paper's order.")

    @model_validator(mode="after")
    def _no_id_twice(self) -> Self:
        if doubled := [name for name, count in Counter(claim.id for claim in self.claims).items() if count > 1]:
            raise ValueError(f"claims has the id {', '.join(doubled)} more than once")
        return self


def read_claims(files: Sequence[Path]) -> list[Claim]:
    """The claims of one file or several, numbered through, a claim for each of its tests.

    Raises ConfigError for a mistake in a file, and for an id that is in two.
    """
    found: list[Claim] = []
    for file in files:
        known = {claim.id for claim in found}
        claims = parse_claims(read_yaml(file), str(file), first=len(known) + 1)
        refuse_known_ids(known, [claim.id for claim in claims], file)
        found += claims
    return found


def as_file(claims: Iterable[Claim]) -> dict[str, Any]:
    """What a file of these claims holds: `parse_claims` reads it as them, numbered anew."""
    stated: dict[str, dict[str, Any]] = {}
    for claim in claims:
        test = claim.model_dump(mode="json", include=set(ClaimTest.model_fields), exclude_defaults=True)
        about = {"id": claim.id, "statement": claim.statement, "tests": []}
        stated.setdefault(claim.id, about)["tests"].append(test)
    return {"claims": list(stated.values())}


def refuse_known_ids(known: set[str], ids: Iterable[str], file: Path) -> None:
    """Raises ConfigError if a file has an id that one before it has."""
    if doubled := [name for name in dict.fromkeys(ids) if name in known]:
        raise ConfigError(f"{file}: has the id {', '.join(doubled)}, as another file has; an id may be in one alone")


def parse_claims(raw: object, origin: str, first: int = 1) -> list[Claim]:
    """The typed form of `raw`, as YAML gives it, a claim for each of its tests; `origin` names its file in messages.

    first: the number of the first claim. Raises ConfigError with one line per mistake: the file, the claim, the key,
    the value and what was expected.
    """
    try:
        stated = enumerate(Claims.model_validate(raw).claims, start=first)
        return [claim for number, each in stated for claim in each.claims(number)]
    except ValidationError as error:
        raise ConfigError("\n".join(_describe(mistake, raw, origin) for mistake in error.errors())) from None


def _describe(mistake: Any, raw: Any, origin: str) -> str:
    """One line for one pydantic error."""
    where, place = origin, list(mistake["loc"])
    if len(place) > 1 and place[0] == "claims":
        claim = raw["claims"][place[1]]
        name = claim["id"] if isinstance(claim, dict) and "id" in claim else f"number {place[1] + 1}"
        where, place = f"{origin}: claim {name}", place[2:]
    return describe_mistake(mistake, where, place, "the top of config/claims.yaml")
