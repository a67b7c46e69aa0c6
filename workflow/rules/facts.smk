# Needs: a source of facts. Makes: results/facts/{dataset}/, entities with question-answer pairs.


rule extract_facts:
    output:
        facts="results/facts/{dataset}/facts.parquet",
        manifest="results/facts/{dataset}/manifest.json",
    log:
        "results/logs/extract_facts/{dataset}.log",
    benchmark:
        "results/benchmarks/extract_facts/{dataset}.tsv"
    conda:
        "../../environment.yml"
    params:
        source=lambda wildcards: canonical_json(
            settings.datasets[wildcards.dataset].source
        ),
        entities=lambda wildcards: settings.datasets[wildcards.dataset].entities,
        code=code_version("extract_facts.py"),
    message:
        "Extract the facts of {wildcards.dataset}"
    shell:
        "python scripts/extract_facts.py --source {params.source:q} --entities {params.entities}"
        " --facts {output.facts} --manifest {output.manifest} --log {log}"
