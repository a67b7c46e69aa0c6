# Needs: what stages need. Makes: beside a stage's model, in snapshots/epoch{n}/, the models that it had after some epochs.
# Snakemake fixes how many outputs a rule has, so the plans whose stages have `snapshots` are trained by rules of their own.

PLANS_WITH_SNAPSHOTS = [
    plan
    for plan, entry in settings.plans.items()
    if any(stage.snapshots for stage in entry.stages)
]


if PLANS_WITH_SNAPSHOTS:

    use rule train_stage as train_stage_with_snapshots with:
        output:
            model=kept(directory(f"{STAGE}/stage{{stage}}/model")),
            metrics=f"{STAGE}/stage{{stage}}/metrics.parquet",
            answers=f"{STAGE}/stage{{stage}}/answers.parquet",
            history=f"{STAGE}/stage{{stage}}/history.parquet",
            run=f"{STAGE}/stage{{stage}}/run.json",
            snapshots=kept(directory(f"{STAGE}/stage{{stage}}/snapshots")),
        wildcard_constraints:
            plan="|".join(map(re.escape, PLANS_WITH_SNAPSHOTS)),
        params:
            stage=lambda wildcards: stage_json(wildcards.plan, int(wildcards.stage)),
            stage_number="{stage}",
            seeds="{seed}",
            threads=model_threads,
            options=snapshots_option,
            checkpoint=f"{CHECKPOINTS}/stage{{stage}}",
            script=training_script,
            code=training_code,

    use rule train_last_stage as train_last_stage_with_snapshots with:
        output:
            model=kept(directory(f"{STAGE}/stage2_seed{{stage2_seed}}/model")),
            metrics=f"{STAGE}/stage2_seed{{stage2_seed}}/metrics.parquet",
            answers=f"{STAGE}/stage2_seed{{stage2_seed}}/answers.parquet",
            history=f"{STAGE}/stage2_seed{{stage2_seed}}/history.parquet",
            run=f"{STAGE}/stage2_seed{{stage2_seed}}/run.json",
            snapshots=kept(directory(f"{STAGE}/stage2_seed{{stage2_seed}}/snapshots")),
        wildcard_constraints:
            plan="|".join(map(re.escape, PLANS_WITH_SNAPSHOTS)),
        params:
            stage=lambda wildcards: stage_json(wildcards.plan, -1),
            stage_number=lambda wildcards: len(plan_stages(wildcards)),
            seeds="{seed} {stage2_seed}",
            threads=model_threads,
            options=snapshots_option,
            checkpoint=f"{CHECKPOINTS}/stage2_seed{{stage2_seed}}",
            script=training_script,
            code=training_code,

    ruleorder: train_stage_with_snapshots > train_stage
    ruleorder: train_last_stage_with_snapshots > train_last_stage
