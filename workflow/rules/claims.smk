# Needs: the gaps of all studies. Makes: the verdict on each of the paper's claims, and on each hypothesis about mechanisms.

import json

from metaocl.planning.cells import axis_values

GAPS_OF_STUDIES = " ".join(
    f"{study}={settings.pathvars.results}/tables/{study}/gaps.parquet"
    for study in settings.studies
)
AXES_OF_STUDIES = json.dumps(
    {
        name: axis_values(study, settings)
        for name, study in settings.studies.items()
        if study.axis
    },
    sort_keys=True,
)
MODELS_IN_WORDS = json.dumps(
    {name: model.in_words() for name, model in settings.models.items()},
    sort_keys=True,
)


rule judge_claims:
    input:
        claims=judged_files("claims"),
        gaps=expand(
            "<results>/tables/{study}/gaps.parquet", study=list(settings.studies)
        ),
    output:
        table=report(
            "<results>/tables/claims.csv",
            caption="../report/claims.rst",
            category="Claims",
        ),
        markdown="<results>/summaries/claims.md",
    log:
        "<logs>/judge_claims.log",
    benchmark:
        "<benchmarks>/judge_claims.tsv"
    conda:
        "../../environment.yml"
    params:
        gaps=GAPS_OF_STUDIES,
        axis=AXES_OF_STUDIES,
        models=lambda wildcards: MODELS_IN_WORDS,  # texts of the user's, whose braces are no wildcards
        script=path_of("judge_claims.py"),
        code=code_version("judge_claims.py"),
    message:
        "Judge the paper's claims"
    shell:
        "python {params.script} --claims {input.claims:q} --gaps {params.gaps} --axis {params.axis:q} --models {params.models:q}"
        " --table {output.table} --markdown {output.markdown} --log {log}"


rule judge_hypotheses:
    input:
        hypotheses=judged_files("hypotheses"),
        gaps=expand(
            "<results>/tables/{study}/gaps.parquet", study=list(settings.studies)
        ),
    output:
        table=report(
            "<results>/tables/hypotheses.csv",
            caption="../report/hypotheses.rst",
            category="Hypotheses",
        ),
        markdown="<results>/summaries/hypotheses.md",
    log:
        "<logs>/judge_hypotheses.log",
    benchmark:
        "<benchmarks>/judge_hypotheses.tsv"
    conda:
        "../../environment.yml"
    params:
        gaps=GAPS_OF_STUDIES,
        axis=AXES_OF_STUDIES,
        script=path_of("judge_hypotheses.py"),
        code=code_version("judge_hypotheses.py"),
    message:
        "Judge the hypotheses about mechanisms"
    shell:
        "python {params.script} --hypotheses {input.hypotheses:q} --gaps {params.gaps} --axis {params.axis:q}"
        " --table {output.table} --markdown {output.markdown} --log {log}"
