# Needs: a source of facts. Makes: <results>/facts/{dataset}/, entities with question-answer pairs.


rule fetch_data:
    output:
        "<results>/downloads/{dataset}/data",
    log:
        "<logs>/fetch_data/{dataset}.log",
    benchmark:
        "<benchmarks>/fetch_data/{dataset}.tsv"
    conda:
        "../../environment.yml"
    params:
        url=lambda wildcards: settings.datasets[wildcards.dataset].source.address,
        sha256=lambda wildcards: settings.datasets[wildcards.dataset].source.sha256
        or "",
        script=path_of("fetch_data.py"),
        code=code_version("fetch_data.py"),
    message:
        "Fetch the public data of {wildcards.dataset}"
    shell:
        "python {params.script} --url {params.url:q} --sha256 {params.sha256} --data {output} --log {log}"


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
        script=path_of("tabulate_trex.py"),
        code=code_version("tabulate_trex.py"),
    message:
        "Turn the T-REx files of {wildcards.dataset} into a table of triples"
    shell:
        "python {params.script} --data {params.data:q} --sha256 {params.sha256}"
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
        data=named_data,
        version=version_of_data,
        script=path_of("extract_facts.py"),
        code=code_version("extract_facts.py"),
    message:
        "Extract the facts of {wildcards.dataset}"
    shell:
        "python {params.script} --source {params.source:q} --entities {params.entities}"
        " --data {params.data:q} --facts {output.facts} --manifest {output.manifest} --log {log}"


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
        script=path_of("measure_guessability.py"),
        code=code_version("measure_guessability.py"),
    message:
        "Measure how well answers of {wildcards.dataset} can be guessed from each other"
    shell:
        "python {params.script} --facts {input.facts} --table {output} --log {log}"
