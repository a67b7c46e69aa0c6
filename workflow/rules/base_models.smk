# Needs: facts. Makes: results/base_models/{dataset}/{model}/, the model that every cell starts from.


rule train_base_model:
    input:
        facts="results/facts/{dataset}/facts.parquet",
    output:
        model=directory("results/base_models/{dataset}/{model}/model"),
        run="results/base_models/{dataset}/{model}/run.json",
    log:
        "results/logs/train_base_model/{dataset}/{model}.log",
    benchmark:
        "results/benchmarks/train_base_model/{dataset}/{model}.tsv"
    conda:
        "../../environment.yml"
    threads: model_threads
    params:
        model=settings_of("model"),
        code=code_version("train_base_model.py"),
    message:
        "Train base model {wildcards.model} on {wildcards.dataset}"
    shell:
        "python scripts/train_base_model.py --facts {input.facts} --settings {params.model:q}"
        " --model {output.model} --run {output.run} --log {log}"
