# Needs: the gaps of the studies that test them. Makes: the verdict on each claim, and on each hypothesis about mechanisms.

import json

MODELS_IN_WORDS = json.dumps(
    {name: model.in_words() for name, model in settings.models.items()},
    sort_keys=True,
)


rule judge_claims:
    input:
        claims=files_judged("claims"),
        gaps=gaps_judged("claims"),
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
        gaps=gaps_by_study("claims"),
        axis=axes_judged("claims"),
        models=lambda wildcards: MODELS_IN_WORDS,  # texts of the user's, whose braces are no wildcards
        script=path_of("judge_claims.py"),
        code=code_version("judge_claims.py"),
    message:
        "Judge the claims"
    shell:
        "python {params.script} --claims {input.claims:q} --gaps {params.gaps} --axis {params.axis:q} --models {params.models:q}"
        " --table {output.table} --markdown {output.markdown} --log {log}"


rule judge_hypotheses:
    input:
        hypotheses=files_judged("hypotheses"),
        gaps=gaps_judged("hypotheses"),
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
        gaps=gaps_by_study("hypotheses"),
        axis=axes_judged("hypotheses"),
        script=path_of("judge_hypotheses.py"),
        code=code_version("judge_hypotheses.py"),
    message:
        "Judge the hypotheses about mechanisms"
    shell:
        "python {params.script} --hypotheses {input.hypotheses:q} --gaps {params.gaps} --axis {params.axis:q}"
        " --table {output.table} --markdown {output.markdown} --log {log}"
