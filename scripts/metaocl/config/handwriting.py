"""Handwriting: where a network of images has its digits from."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, ClassVar, Literal, Self, get_args

from pydantic import BeforeValidator, Field, model_validator

from metaocl.config.entry import Entry, LocalPath, Share

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
IdxFile = Literal[
    "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"
]
IDX_FILES: tuple[IdxFile, ...] = get_args(IdxFile)


class Digits(Entry):
    """The 1,797 digits of 8 × 8 pixels that scikit-learn carries; no data needed."""

    side: ClassVar[int] = 8

    kind: Literal["digits"] = Field(default="digits", description="Says which handwriting this is.")


class Mnist(Entry):
    """MNIST, or another set of 28 × 28 digits in its form: four IDX files, two of them kept for tests."""

    side: ClassVar[int] = 28

    kind: Literal["mnist"] = Field(default="mnist", description="Says which handwriting this is.")
    folder: LocalPath | None = Field(
        default=None,
        description="The folder of `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte` and "
        "`t10k-labels-idx1-ubyte`, plain or .gz, from the folder in which Snakemake runs. No braces or angle "
        "brackets, and no hyphen in front.",
    )
    url: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s{}]+$",
        description="Where to fetch them, in place of `folder`: the address that `/train-images-idx3-ubyte.gz` and so "
        "on are put behind.",
    )
    sha256: dict[IdxFile, Sha256] = Field(
        default={}, description="The SHA-256 of each file that is fetched, by its name; another content is an error."
    )

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.folder is None) == (self.url is None):
            raise ValueError("give either folder (files that are there) or url (files to fetch)")
        if self.sha256 and self.url is None:
            raise ValueError("sha256 is of files that are fetched: give url, or leave it out")
        return self


class Images(Entry):
    """Images of your own: a folder with a folder for each digit, `0/` to `9/`, of PNG files, light on dark."""

    kind: Literal["images"] = Field(default="images", description="Says which handwriting this is.")
    folder: LocalPath = Field(
        description="That folder, from the folder in which Snakemake runs. No braces or angle brackets, and no hyphen "
        "in front."
    )
    side: int = Field(
        default=28, ge=4, le=256, multiple_of=2, description="Width and height of every image, in pixels."
    )
    tests_share: Share = Field(
        default=Fraction(1, 5), gt=0, lt=1, description="Share of the images of each digit that are kept for tests."
    )


HandwritingTable = Annotated[Digits | Mnist | Images, Field(discriminator="kind")]
Handwriting = Annotated[
    HandwritingTable,
    BeforeValidator(
        lambda value: {"kind": value} if isinstance(value, str) else value,
        json_schema_input_type=Literal["digits"] | HandwritingTable,
    ),
]
