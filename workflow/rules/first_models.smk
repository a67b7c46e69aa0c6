# Needs: pretrained weights, or facts. Makes: the model that a cell starts from. A pretrained one is prepared once; a new
# one is trained on the facts, once for data sets of the same facts or for each seed, or has random weights, of its own for every seed.

from metaocl.config.handwriting import IDX_FILES


rule prepare_model:
    input:
        pretrained_files,
    output:
        model=directory("<results>/pretrained_models/{model}/model"),
        run="<results>/pretrained_models/{model}/run.json",
    log:
        "<logs>/prepare_model/{model}.log",
    benchmark:
        "<benchmarks>/prepare_model/{model}.tsv"
    conda:
        "../../environment.yml"
    params:
        pretrained=lambda wildcards: canonical_json(
            settings.models[wildcards.model].pretrained
        ),
        version=version_of_pretrained,
        script=path_of("prepare_model.py"),
        code=code_version("prepare_model.py"),
    message:
        "Prepare the pretrained model {wildcards.model}"
    shell:
        "python {params.script} --pretrained {params.pretrained:q}"
        " --model {output.model} --run {output.run} --log {log}"


rule initialize_model:
    input:
        facts="<results>/facts/{dataset}/facts.parquet",
    output:
        model=directory("<results>/random_models/{dataset}/{model}/seed{seed}/model"),
        run="<results>/random_models/{dataset}/{model}/seed{seed}/run.json",
    log:
        "<logs>/initialize_model/{dataset}/{model}/seed{seed}.log",
    benchmark:
        "<benchmarks>/initialize_model/{dataset}/{model}/seed{seed}.tsv"
    conda:
        "../../environment.yml"
    params:
        model=new_model_settings,
        script=path_of("initialize_model.py"),
        code=code_version("initialize_model.py"),
    message:
        "Draw random weights: {wildcards.model}, seed {wildcards.seed}"
    shell:
        "python {params.script} --facts {input.facts} --settings {params.model:q} --seed {wildcards.seed}"
        " --model {output.model} --run {output.run} --log {log}"


rule fetch_handwriting:
    output:
        "<results>/downloads/{model}/{file}",
    log:
        "<logs>/fetch_handwriting/{model}/{file}.log",
    benchmark:
        "<benchmarks>/fetch_handwriting/{model}/{file}.tsv"
    wildcard_constraints:
        file="|".join(map(re.escape, IDX_FILES)),
    conda:
        "../../environment.yml"
    params:
        url=url_of_handwriting,
        sha256=lambda wildcards: settings.models[
            wildcards.model
        ].convnet.handwriting.sha256.get(wildcards.file, ""),
        script=path_of("fetch_data.py"),
        code=code_version("fetch_data.py"),
    message:
        "Fetch {wildcards.file} for {wildcards.model}"
    shell:
        "python {params.script} --url {params.url:q} --sha256 {params.sha256} --data {output} --log {log}"


rule initialize_convnet:
    input:
        files_of_handwriting,
    output:
        model=directory("<results>/convnets/{model}/seed{seed}/model"),
        run="<results>/convnets/{model}/seed{seed}/run.json",
    log:
        "<logs>/initialize_convnet/{model}/seed{seed}.log",
    benchmark:
        "<benchmarks>/initialize_convnet/{model}/seed{seed}.tsv"
    conda:
        "../../environment.yml"
    params:
        convnet=convnet_settings,
        version=version_of_handwriting,
        script=path_of("initialize_convnet.py"),
        code=code_version("initialize_convnet.py"),
    message:
        "Draw random weights of a network of images: {wildcards.model}, seed {wildcards.seed}"
    shell:
        "python {params.script} --settings {params.convnet:q} --seed {wildcards.seed}"
        " --model {output.model} --run {output.run} --log {log}"


rule train_base_model:
    input:
        facts="<results>/facts/{dataset}/facts.parquet",
    output:
        model=directory("<results>/base_models/{dataset}/{model}/model"),
        run="<results>/base_models/{dataset}/{model}/run.json",
    log:
        "<logs>/train_base_model/{dataset}/{model}.log",
    benchmark:
        "<benchmarks>/train_base_model/{dataset}/{model}.tsv"
    conda:
        "../../environment.yml"
    threads: model_threads
    resources:
        gpu=1,
        mem_mb=job_memory,
        runtime=base_minutes,
        cpus_per_task=model_threads,
    params:
        model=new_model_settings,
        seed="",
        script=path_of("train_base_model.py"),
        code=code_version("train_base_model.py"),
    message:
        "Train base model {wildcards.model} on {wildcards.dataset}"
        " ({resources.gpu} GPU, {resources.mem_mb} MB, {resources.runtime} min)"
    shell:
        "python {params.script} --facts {input.facts} --settings {params.model:q} {params.seed}"
        " --model {output.model} --run {output.run} --log {log}"


use rule train_base_model as train_base_model_of_seed with:
    output:
        model=directory("<results>/base_models/{dataset}/{model}/seed{seed}/model"),
        run="<results>/base_models/{dataset}/{model}/seed{seed}/run.json",
    log:
        "<logs>/train_base_model/{dataset}/{model}/seed{seed}.log",
    benchmark:
        "<benchmarks>/train_base_model/{dataset}/{model}/seed{seed}.tsv"
    params:
        model=new_model_settings,
        seed="--seed {seed}",
        script=path_of("train_base_model.py"),
        code=code_version("train_base_model.py"),
    message:
        "Train base model {wildcards.model} on {wildcards.dataset}, seed {wildcards.seed}"
        " ({resources.gpu} GPU, {resources.mem_mb} MB, {resources.runtime} min)"
