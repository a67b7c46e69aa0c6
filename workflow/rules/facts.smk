# Needs: a source of facts. Makes: <results>/facts/{dataset}/, entities with question-answer pairs.

from metaocl.planning.inputs import source_files, source_version


def source_url(wildcards):
    """The file to fetch, for Snakemake's storage plugin."""
    return storage.http(settings.datasets[wildcards.dataset].source.url)


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


def facts_data(wildcards):
    """What a source reads; nothing if its data come with a Python package."""
    kind = settings.datasets[wildcards.dataset].source.kind
    if kind == "trex":
        return rules.tabulate_trex.output.triples
    return source_data(wildcards) if kind == "cvdb" else []


rule fetch_data:
    input:
        source_url,
    output:
        "<results>/downloads/{dataset}/data",
    log:
        "<logs>/fetch_data/{dataset}.log",
    benchmark:
        "<benchmarks>/fetch_data/{dataset}.tsv"
    conda:
        "../../environment.yml"
    params:
        sha256=lambda wildcards: settings.datasets[wildcards.dataset].source.sha256
        or "",
        code=code_version("fetch_data.py"),
    message:
        "Fetch the public data of {wildcards.dataset}"
    shell:
        "python {SCRIPTS}/fetch_data.py --downloaded {input:q} --sha256 {params.sha256}"
        " --data {output} --log {log}"


rule tabulate_trex:
    input:
        source_data,
    output:
        triples="<results>/facts/{dataset}/triples.parquet",
        manifest="<results>/facts/{dataset}/triples.json",
    log:
        "<logs>/tabulate_trex/{dataset}.log",
    benchmark:
        "<benchmarks>/tabulate_trex/{dataset}.tsv"
    conda:
        "../../environment.yml"
    params:
        data=lambda wildcards, input: settings.datasets[wildcards.dataset].source.path
        or input[0],
        sha256=lambda wildcards: settings.datasets[wildcards.dataset].source.sha256
        or "",
        version=version_of_data,
        code=code_version("tabulate_trex.py"),
    message:
        "Turn the T-REx files of {wildcards.dataset} into a table of triples"
    shell:
        "python {SCRIPTS}/tabulate_trex.py --data {params.data:q} --sha256 {params.sha256}"
        " --triples {output.triples} --manifest {output.manifest} --log {log}"


rule extract_facts:
    input:
        data=facts_data,
    output:
        facts="<results>/facts/{dataset}/facts.parquet",
        manifest="<results>/facts/{dataset}/manifest.json",
    log:
        "<logs>/extract_facts/{dataset}.log",
    benchmark:
        "<benchmarks>/extract_facts/{dataset}.tsv"
    conda:
        "../../environment.yml"
    params:
        source=lambda wildcards: canonical_json(
            settings.datasets[wildcards.dataset].source
        ),
        entities=lambda wildcards: settings.datasets[wildcards.dataset].entities,
        version=version_of_data,
        code=code_version("extract_facts.py"),
    message:
        "Extract the facts of {wildcards.dataset}"
    shell:
        "python {SCRIPTS}/extract_facts.py --source {params.source:q} --entities {params.entities}"
        " --data {input.data:q} --facts {output.facts} --manifest {output.manifest} --log {log}"


rule measure_guessability:
    input:
        facts="<results>/facts/{dataset}/facts.parquet",
    output:
        "<results>/facts/{dataset}/guessability.csv",
    log:
        "<logs>/measure_guessability/{dataset}.log",
    benchmark:
        "<benchmarks>/measure_guessability/{dataset}.tsv"
    conda:
        "../../environment.yml"
    params:
        code=code_version("measure_guessability.py"),
    message:
        "Measure how well answers of {wildcards.dataset} can be guessed from each other"
    shell:
        "python {SCRIPTS}/measure_guessability.py --facts {input.facts} --table {output} --log {log}"
