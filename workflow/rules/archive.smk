# Needs: a finished study. Makes: <results>/archives/{study}.zip, an RO-Crate to give to others.

from metaocl.planning.single_study import single_study
from metaocl.planning.targets import study_records, study_results, study_tables


rule archive_study:
    input:
        results=lambda wildcards: study_results(wildcards.study, settings),
        tables=lambda wildcards: study_tables(wildcards.study),
        records=lambda wildcards: study_records(wildcards.study, settings),
        claims=judged_files("claims"),
        about=[
            str(REPOSITORY / name)
            for name in ("CITATION.cff", "LICENSE", "environment.yml")
        ],
    output:
        "<results>/archives/{study}.zip",
    log:
        "<logs>/archive_study/{study}.log",
    benchmark:
        "<benchmarks>/archive_study/{study}.tsv"
    conda:
        "../../environment.yml"
    params:
        settings=lambda wildcards: json.dumps(
            single_study(wildcards.study, settings), ensure_ascii=False
        ),
        results=lambda wildcards: settings.pathvars.results,
        script=path_of("archive_study.py"),
        code=code_version("archive_study.py"),
    message:
        "Archive study {wildcards.study} as {output}"
    shell:
        "python {params.script} --settings {params.settings:q} --results {params.results}"
        " --claims {input.claims:q} --about {input.about:q} --archive {output} --log {log}"
