# Needs: the settings. Makes: what of the user's own a job reads, as functions of wildcards: files, and what tells others.

from metaocl.errors import UserError
from metaocl.planning.inputs import (
    model_files,
    model_version,
    source_files,
    source_version,
)


def told_in_one_line(ask):
    """A function of wildcards that ends Snakemake with the message of a mistake; Snakemake would print a traceback."""

    def answer(wildcards):
        try:
            return ask(wildcards)
        except UserError as error:
            sys.exit(f"error: {CONFIG_FILE}: {error}")

    return answer


@told_in_one_line
def source_data(wildcards):
    """The public files of a data set: the user's own, or the one that is fetched."""
    return (
        source_files(settings.datasets[wildcards.dataset].source)
        or rules.fetch_data.output
    )


@told_in_one_line
def version_of_data(wildcards):
    """A parameter that no command uses: what changes with the data that a source reads."""
    return source_version(settings.datasets[wildcards.dataset].source)


@told_in_one_line
def pretrained_files(wildcards):
    """The user's own files that a pretrained model is read from."""
    return model_files(settings.models[wildcards.model].pretrained)


@told_in_one_line
def version_of_pretrained(wildcards):
    """A parameter that no command uses: what changes with the weights that a pretrained model is read from."""
    return model_version(settings.models[wildcards.model].pretrained)
