# Needs: the settings. Makes: the files that a rule reads, as functions of wildcards.

from metaocl.planning.places import model_before


def source_url(wildcards):
    """The file to fetch, for Snakemake's storage plugin."""
    return storage.http(settings.datasets[wildcards.dataset].source.url)


def source_data(wildcards):
    """The public file of a data set: the user's own, or the one that is fetched."""
    return settings.datasets[wildcards.dataset].source.path or rules.fetch_data.output


def facts_data(wildcards):
    """What a source reads; nothing if its data come with a Python package."""
    kind = settings.datasets[wildcards.dataset].source.kind
    if kind == "trex":
        return rules.tabulate_trex.output.triples
    return source_data(wildcards) if kind == "cvdb" else []


def previous_model(wildcards):
    """The model that a stage starts from."""
    number = int(getattr(wildcards, "stage", len(plan_stages(wildcards))))
    return model_before(number, settings.models[wildcards.model])
