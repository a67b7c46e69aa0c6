# Needs: documents and a first model. Makes: <results>/stages/…, the trained model and the metrics of every stage.
# An unfinished run keeps its checkpoint in <results>/checkpoints/, where no rule of Snakemake's deletes it.
# Stages before the new definitions are shared by all stage-2 seeds; the last stage has one run for each.

from metaocl.planning.places import STAGE

CHECKPOINTS = STAGE.replace(
    "<results>/stages", f"{settings.pathvars.results}/checkpoints"
)


rule train_stage:
    input:
        model=previous_model,
        documents="<results>/documents/{dataset}/{define_type}/seed{seed}/documents.parquet",
    output:
        model=kept(directory(f"{STAGE}/stage{{stage}}/model")),
        metrics=f"{STAGE}/stage{{stage}}/metrics.parquet",
        answers=f"{STAGE}/stage{{stage}}/answers.parquet",
        history=f"{STAGE}/stage{{stage}}/history.parquet",
        run=f"{STAGE}/stage{{stage}}/run.json",
    log:
        "<logs>/train_stage/{dataset}/{define_type}/{model}/{plan}/seed{seed}/stage{stage}.log",
    benchmark:
        "<benchmarks>/train_stage/{dataset}/{define_type}/{model}/{plan}/seed{seed}/stage{stage}.tsv"
    conda:
        "../../environment.yml"
    threads: model_threads
    resources:
        gpu=1,
        mem_mb=job_memory,
        runtime=stage_minutes,
        cpus_per_task=model_threads,  # `threads` is at most what the machine has on which Snakemake runs
        checkpoint_minutes=10,
    params:
        stage=lambda wildcards: stage_json(wildcards.plan, int(wildcards.stage)),
        stage_number="{stage}",
        seeds="{seed}",
        threads=model_threads,
        options=training_options,
        checkpoint=f"{CHECKPOINTS}/stage{{stage}}",
        script=training_script,
        code=training_code,
    message:
        "Train stage {wildcards.stage}: {wildcards.dataset}, {wildcards.define_type}, {wildcards.model},"
        " {wildcards.plan}, seed {wildcards.seed}"
        " ({resources.gpu} GPU, {resources.mem_mb} MB, {resources.runtime} min)"
    shell:
        "HF_HUB_OFFLINE=1 python {params.script} --initial-model {input.model} --documents {input.documents}"
        " --stage {params.stage:q} --stage-number {params.stage_number} --seeds {params.seeds}"
        " --threads {params.threads} {params.options} --checkpoint {params.checkpoint}"
        " --checkpoint-minutes {resources.checkpoint_minutes}"
        " --model {output.model} --metrics {output.metrics} --answers {output.answers} --history {output.history}"
        " --run {output.run} --log {log}"


use rule train_stage as train_last_stage with:
    input:
        model=previous_model,
        documents=last_documents,
    output:
        model=kept(directory(f"{STAGE}/stage2_seed{{stage2_seed}}/model")),
        metrics=f"{STAGE}/stage2_seed{{stage2_seed}}/metrics.parquet",
        answers=f"{STAGE}/stage2_seed{{stage2_seed}}/answers.parquet",
        history=f"{STAGE}/stage2_seed{{stage2_seed}}/history.parquet",
        run=f"{STAGE}/stage2_seed{{stage2_seed}}/run.json",
    log:
        "<logs>/train_last_stage/{dataset}/{define_type}/{model}/{plan}/seed{seed}/stage2_seed{stage2_seed}.log",
    benchmark:
        "<benchmarks>/train_last_stage/{dataset}/{define_type}/{model}/{plan}/seed{seed}/stage2_seed{stage2_seed}.tsv"
    params:
        stage=lambda wildcards: stage_json(wildcards.plan, -1),
        stage_number=lambda wildcards: len(plan_stages(wildcards)),
        seeds="{seed} {stage2_seed}",
        threads=model_threads,
        options=training_options,
        checkpoint=f"{CHECKPOINTS}/stage2_seed{{stage2_seed}}",
        script=training_script,
        code=training_code,
    message:
        "Train the last stage: {wildcards.dataset}, {wildcards.define_type}, {wildcards.model},"
        " {wildcards.plan}, seed {wildcards.seed}, stage-2 seed {wildcards.stage2_seed}"
        " ({resources.gpu} GPU, {resources.mem_mb} MB, {resources.runtime} min)"
