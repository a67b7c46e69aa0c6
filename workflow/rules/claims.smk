# Needs: the gaps of all studies. Makes: the verdict on each of the paper's claims.

import json

from metaocl.planning.cells import axis_values


rule judge_claims:
    input:
        claims=str(REPOSITORY / "config/claims.yaml"),
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
        gaps=" ".join(
            f"{study}={settings.pathvars.results}/tables/{study}/gaps.parquet"
            for study in settings.studies
        ),
        axis=json.dumps(
            {
                name: axis_values(study, settings)
                for name, study in settings.studies.items()
                if study.axis
            },
            sort_keys=True,
        ),
        script=path_of("judge_claims.py"),
        code=code_version("judge_claims.py"),
    message:
        "Judge the paper's claims"
    shell:
        "python {params.script} --claims {input.claims:q} --gaps {params.gaps} --axis {params.axis:q}"
        " --table {output.table} --markdown {output.markdown} --log {log}"
