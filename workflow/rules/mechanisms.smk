# Needs: a finished last stage, and the model that it started from. Makes: <results>/stages/…/measurements/.
# Each measurement has a script of its own, so that an edit of one makes no other again. What they find joins the study's tables.

from metaocl.config.plans import swapped_plan

MEASURED = f"{STAGE}/stage2_seed{{stage2_seed}}"
TWIN = MEASURED.replace("{plan}", swapped_plan("{plan}"))


rule measure_alignment:
    input:
        before=previous_model,
        model=f"{MEASURED}/model",
        run=f"{MEASURED}/run.json",
        snapshots=snapshots_of_last_stage,
        documents=last_documents,
        counterfactuals="<results>/documents/{dataset}/{define_type}/seed{seed}/stage2_seed{stage2_seed}/counterfactuals.parquet",
    output:
        f"{MEASURED}/measurements/{{measurement}}.parquet",
    log:
        "<logs>/measure_alignment/{dataset}/{define_type}/{model}/{plan}/seed{seed}/stage2_seed{stage2_seed}/{measurement}.log",
    benchmark:
        "<benchmarks>/measure_alignment/{dataset}/{define_type}/{model}/{plan}/seed{seed}/stage2_seed{stage2_seed}/{measurement}.tsv"
    wildcard_constraints:
        measurement=measurements_of("alignment"),
    conda:
        "../../environment.yml"
    threads: model_threads
    resources:
        gpu=1,
        mem_mb=job_memory,
        runtime=stage_minutes,
        cpus_per_task=model_threads,
    params:
        settings=settings_of("measurement"),
        threads=model_threads,
        stage=lambda wildcards, input: Path(input.run).parent,
        options="",
        script=path_of("measure_alignment.py"),
        code=code_version("measure_alignment.py"),
    message:
        "Measure the alignment of gradients: {wildcards.dataset}, {wildcards.define_type}, {wildcards.model}, {wildcards.plan},"
        " seed {wildcards.seed}, stage-2 seed {wildcards.stage2_seed}"
    shell:
        "HF_HUB_OFFLINE=1 python {params.script} --stage {params.stage} {params.options} --counterfactuals {input.counterfactuals}"
        " --settings {params.settings:q} --threads {params.threads} --seeds {wildcards.seed} {wildcards.stage2_seed} --table {output} --log {log}"


use rule measure_alignment as measure_gradient_cosine with:
    log:
        "<logs>/measure_gradient_cosine/{dataset}/{define_type}/{model}/{plan}/seed{seed}/stage2_seed{stage2_seed}/{measurement}.log",
    benchmark:
        "<benchmarks>/measure_gradient_cosine/{dataset}/{define_type}/{model}/{plan}/seed{seed}/stage2_seed{stage2_seed}/{measurement}.tsv"
    wildcard_constraints:
        measurement=measurements_of("gradient_cosine"),
    params:
        settings=settings_of("measurement"),
        threads=model_threads,
        stage=lambda wildcards, input: Path(input.run).parent,
        options="",
        script=path_of("measure_gradient_cosine.py"),
        code=code_version("measure_gradient_cosine.py"),
    message:
        "Measure the cosine of gradients: {wildcards.dataset}, {wildcards.define_type}, {wildcards.model}, {wildcards.plan},"
        " seed {wildcards.seed}, stage-2 seed {wildcards.stage2_seed}"


use rule measure_alignment as measure_readout_overlap with:
    log:
        "<logs>/measure_readout_overlap/{dataset}/{define_type}/{model}/{plan}/seed{seed}/stage2_seed{stage2_seed}/{measurement}.log",
    benchmark:
        "<benchmarks>/measure_readout_overlap/{dataset}/{define_type}/{model}/{plan}/seed{seed}/stage2_seed{stage2_seed}/{measurement}.tsv"
    wildcard_constraints:
        measurement=measurements_of("readout_overlap"),
    params:
        settings=settings_of("measurement"),
        threads=model_threads,
        stage=lambda wildcards, input: Path(input.run).parent,
        options="",
        script=path_of("measure_readout_overlap.py"),
        code=code_version("measure_readout_overlap.py"),
    message:
        "Measure the read-out overlap: {wildcards.dataset}, {wildcards.define_type}, {wildcards.model}, {wildcards.plan},"
        " seed {wildcards.seed}, stage-2 seed {wildcards.stage2_seed}"


use rule measure_alignment as measure_tag_semantics with:
    log:
        "<logs>/measure_tag_semantics/{dataset}/{define_type}/{model}/{plan}/seed{seed}/stage2_seed{stage2_seed}/{measurement}.log",
    benchmark:
        "<benchmarks>/measure_tag_semantics/{dataset}/{define_type}/{model}/{plan}/seed{seed}/stage2_seed{stage2_seed}/{measurement}.tsv"
    wildcard_constraints:
        measurement=measurements_of("tag_semantics"),
    params:
        settings=settings_of("measurement"),
        threads=model_threads,
        stage=lambda wildcards, input: Path(input.run).parent,
        options="",
        script=path_of("measure_tag_semantics.py"),
        code=code_version("measure_tag_semantics.py"),
    message:
        "Measure the semantics of the tags: {wildcards.dataset}, {wildcards.define_type}, {wildcards.model}, {wildcards.plan},"
        " seed {wildcards.seed}, stage-2 seed {wildcards.stage2_seed}"


use rule measure_alignment as measure_tag_probes with:
    log:
        "<logs>/measure_tag_probes/{dataset}/{define_type}/{model}/{plan}/seed{seed}/stage2_seed{stage2_seed}/{measurement}.log",
    benchmark:
        "<benchmarks>/measure_tag_probes/{dataset}/{define_type}/{model}/{plan}/seed{seed}/stage2_seed{stage2_seed}/{measurement}.tsv"
    wildcard_constraints:
        measurement=measurements_of("tag_probes"),
    params:
        settings=settings_of("measurement"),
        threads=model_threads,
        stage=lambda wildcards, input: Path(input.run).parent,
        options="",
        script=path_of("measure_tag_probes.py"),
        code=code_version("measure_tag_probes.py"),
    message:
        "Measure the probes of the tag: {wildcards.dataset}, {wildcards.define_type}, {wildcards.model}, {wildcards.plan},"
        " seed {wildcards.seed}, stage-2 seed {wildcards.stage2_seed}"


use rule measure_alignment as measure_question_loss with:
    log:
        "<logs>/measure_question_loss/{dataset}/{define_type}/{model}/{plan}/seed{seed}/stage2_seed{stage2_seed}/{measurement}.log",
    benchmark:
        "<benchmarks>/measure_question_loss/{dataset}/{define_type}/{model}/{plan}/seed{seed}/stage2_seed{stage2_seed}/{measurement}.tsv"
    wildcard_constraints:
        measurement=measurements_of("question_loss"),
    params:
        settings=settings_of("measurement"),
        threads=model_threads,
        stage=lambda wildcards, input: Path(input.run).parent,
        options="",
        script=path_of("measure_question_loss.py"),
        code=code_version("measure_question_loss.py"),
    message:
        "Measure the loss of questions: {wildcards.dataset}, {wildcards.define_type}, {wildcards.model}, {wildcards.plan},"
        " seed {wildcards.seed}, stage-2 seed {wildcards.stage2_seed}"


use rule measure_alignment as measure_transplant with:
    input:
        before=previous_model,
        model=f"{MEASURED}/model",
        run=f"{MEASURED}/run.json",
        twin_model=f"{TWIN}/model",
        twin=f"{TWIN}/run.json",
        documents=last_documents,
        counterfactuals="<results>/documents/{dataset}/{define_type}/seed{seed}/stage2_seed{stage2_seed}/counterfactuals.parquet",
    log:
        "<logs>/measure_transplant/{dataset}/{define_type}/{model}/{plan}/seed{seed}/stage2_seed{stage2_seed}/{measurement}.log",
    benchmark:
        "<benchmarks>/measure_transplant/{dataset}/{define_type}/{model}/{plan}/seed{seed}/stage2_seed{stage2_seed}/{measurement}.tsv"
    wildcard_constraints:
        measurement=measurements_of("transplant"),
    params:
        settings=settings_of("measurement"),
        threads=model_threads,
        stage=lambda wildcards, input: Path(input.run).parent,
        options=lambda wildcards, input: f"--twin {Path(input.twin).parent}",
        script=path_of("measure_transplant.py"),
        code=code_version("measure_transplant.py"),
    message:
        "Measure the transplant of alias rows: {wildcards.dataset}, {wildcards.define_type}, {wildcards.model}, {wildcards.plan},"
        " seed {wildcards.seed}, stage-2 seed {wildcards.stage2_seed}"


use rule measure_transplant as measure_steering with:
    log:
        "<logs>/measure_steering/{dataset}/{define_type}/{model}/{plan}/seed{seed}/stage2_seed{stage2_seed}/{measurement}.log",
    benchmark:
        "<benchmarks>/measure_steering/{dataset}/{define_type}/{model}/{plan}/seed{seed}/stage2_seed{stage2_seed}/{measurement}.tsv"
    wildcard_constraints:
        measurement=measurements_of("steering"),
    params:
        settings=settings_of("measurement"),
        threads=model_threads,
        stage=lambda wildcards, input: Path(input.run).parent,
        options=lambda wildcards, input: f"--twin {Path(input.twin).parent}",
        script=path_of("measure_steering.py"),
        code=code_version("measure_steering.py"),
    message:
        "Measure the steering of states: {wildcards.dataset}, {wildcards.define_type}, {wildcards.model}, {wildcards.plan},"
        " seed {wildcards.seed}, stage-2 seed {wildcards.stage2_seed}"
