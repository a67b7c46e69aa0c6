# Needs: facts. Makes: <results>/documents/{dataset}/{define_type}/seed{seed}/, training text and test questions.


rule write_documents:
    input:
        facts="<results>/facts/{dataset}/facts.parquet",
    output:
        documents="<results>/documents/{dataset}/{define_type}/seed{seed}/documents.parquet",
        aliases="<results>/documents/{dataset}/{define_type}/seed{seed}/aliases.parquet",
        manifest="<results>/documents/{dataset}/{define_type}/seed{seed}/manifest.json",
    log:
        "<logs>/write_documents/{dataset}/{define_type}/seed{seed}.log",
    benchmark:
        "<benchmarks>/write_documents/{dataset}/{define_type}/seed{seed}.tsv"
    conda:
        "../../environment.yml"
    params:
        dataset=settings_of("dataset"),
        define_type=settings_of("define_type"),
        script=path_of("write_documents.py"),
        code=code_version("write_documents.py"),
    message:
        "Write documents: {wildcards.dataset}, {wildcards.define_type}, seed {wildcards.seed}"
    shell:
        "python {params.script} --facts {input.facts}"
        " --dataset {params.dataset:q} --define-type {params.define_type:q} --seed {wildcards.seed}"
        " --documents {output.documents} --aliases {output.aliases} --manifest {output.manifest} --log {log}"


rule write_new_definitions:
    input:
        facts="<results>/facts/{dataset}/facts.parquet",
        aliases="<results>/documents/{dataset}/{define_type}/seed{seed}/aliases.parquet",
    output:
        documents="<results>/documents/{dataset}/{define_type}/seed{seed}/stage2_seed{stage2_seed}/documents.parquet",
        aliases="<results>/documents/{dataset}/{define_type}/seed{seed}/stage2_seed{stage2_seed}/aliases.parquet",
        manifest="<results>/documents/{dataset}/{define_type}/seed{seed}/stage2_seed{stage2_seed}/manifest.json",
    log:
        "<logs>/write_new_definitions/{dataset}/{define_type}/seed{seed}/stage2_seed{stage2_seed}.log",
    benchmark:
        "<benchmarks>/write_new_definitions/{dataset}/{define_type}/seed{seed}/stage2_seed{stage2_seed}.tsv"
    conda:
        "../../environment.yml"
    params:
        dataset=settings_of("dataset"),
        define_type=settings_of("define_type"),
        script=path_of("write_new_definitions.py"),
        code=code_version("write_new_definitions.py"),
    message:
        "Write new definitions: {wildcards.dataset}, {wildcards.define_type}, seed {wildcards.seed},"
        " stage-2 seed {wildcards.stage2_seed}"
    shell:
        "python {params.script} --facts {input.facts} --stage1-aliases {input.aliases}"
        " --dataset {params.dataset:q} --define-type {params.define_type:q}"
        " --seed {wildcards.seed} --stage2-seed {wildcards.stage2_seed}"
        " --documents {output.documents} --aliases {output.aliases} --manifest {output.manifest} --log {log}"


# Every alias with every tag, for measurements and for stages that train with other tags.
rule write_counterfactuals:
    input:
        stage1_aliases="<results>/documents/{dataset}/{define_type}/seed{seed}/aliases.parquet",
        aliases="<results>/documents/{dataset}/{define_type}/seed{seed}/stage2_seed{stage2_seed}/aliases.parquet",
    output:
        "<results>/documents/{dataset}/{define_type}/seed{seed}/stage2_seed{stage2_seed}/counterfactuals.parquet",
    log:
        "<logs>/write_counterfactuals/{dataset}/{define_type}/seed{seed}/stage2_seed{stage2_seed}.log",
    benchmark:
        "<benchmarks>/write_counterfactuals/{dataset}/{define_type}/seed{seed}/stage2_seed{stage2_seed}.tsv"
    conda:
        "../../environment.yml"
    params:
        define_type=settings_of("define_type"),
        script=path_of("write_counterfactuals.py"),
        code=code_version("write_counterfactuals.py"),
    message:
        "Write definitions with every tag: {wildcards.dataset}, {wildcards.define_type}, seed {wildcards.seed},"
        " stage-2 seed {wildcards.stage2_seed}"
    shell:
        "python {params.script} --stage1-aliases {input.stage1_aliases} --aliases {input.aliases}"
        " --define-type {params.define_type:q} --seed {wildcards.seed} --stage2-seed {wildcards.stage2_seed}"
        " --documents {output} --log {log}"
