# Needs: the tables of a study; of images, documents and handwriting. Makes: <results>/figures/{study}/. A change of looks
# retrains nothing.


rule plot_training_curves:
    input:
        metrics="<results>/tables/{study}/metrics.parquet",
        style=str(REPOSITORY / "scripts/metaocl/figures/style.mplstyle"),
    output:
        report(
            multiext(
                "<results>/figures/{study}/training_curves", ".pdf", ".svg", ".png"
            ),
            caption="../report/training_curves.rst",
            category="Figures",
            subcategory="{study}",
        ),
    log:
        "<logs>/plot_training_curves/{study}.log",
    benchmark:
        "<benchmarks>/plot_training_curves/{study}.tsv"
    conda:
        "../../environment.yml"
    params:
        script=path_of("plot_training_curves.py"),
        code=code_version("plot_training_curves.py"),
    message:
        "Plot the training curves of study {wildcards.study}"
    shell:
        "python {params.script} --metrics {input.metrics} --figures {output} --log {log}"


rule plot_gaps:
    input:
        gaps="<results>/tables/{study}/gaps.parquet",
        style=str(REPOSITORY / "scripts/metaocl/figures/style.mplstyle"),
    output:
        report(
            multiext("<results>/figures/{study}/gaps", ".pdf", ".svg", ".png"),
            caption="../report/gaps.rst",
            category="Figures",
            subcategory="{study}",
        ),
    log:
        "<logs>/plot_gaps/{study}.log",
    benchmark:
        "<benchmarks>/plot_gaps/{study}.tsv"
    conda:
        "../../environment.yml"
    params:
        axis=axis_of,
        script=path_of("plot_gaps.py"),
        code=code_version("plot_gaps.py"),
    message:
        "Plot the gaps of study {wildcards.study} against what it varies"
    shell:
        "python {params.script} --gaps {input.gaps} --axis {params.axis:q} --figures {output} --log {log}"


rule plot_relations:
    input:
        gaps="<results>/tables/{study}/gaps.parquet",
        style=str(REPOSITORY / "scripts/metaocl/figures/style.mplstyle"),
    output:
        report(
            multiext("<results>/figures/{study}/relations", ".pdf", ".svg", ".png"),
            caption="../report/relations.rst",
            category="Figures",
            subcategory="{study}",
        ),
    log:
        "<logs>/plot_relations/{study}.log",
    benchmark:
        "<benchmarks>/plot_relations/{study}.tsv"
    conda:
        "../../environment.yml"
    params:
        script=path_of("plot_relations.py"),
        code=code_version("plot_relations.py"),
    message:
        "Plot alignment against effect in study {wildcards.study}"
    shell:
        "python {params.script} --gaps {input.gaps} --figures {output} --log {log}"


rule draw_examples:
    input:
        documents=of_pictured_cell(cell_documents),
        handwriting=of_pictured_cell(files_of_handwriting),
        style=str(REPOSITORY / "scripts/metaocl/figures/style.mplstyle"),
    output:
        report(
            multiext("<results>/figures/{study}/examples", ".pdf", ".svg", ".png"),
            caption="../report/examples.rst",
            category="Figures",
            subcategory="{study}",
        ),
    log:
        "<logs>/draw_examples/{study}.log",
    benchmark:
        "<benchmarks>/draw_examples/{study}.tsv"
    wildcard_constraints:
        study="|".join(map(re.escape, STUDIES_OF_IMAGES)) or "(?!)",
    conda:
        "../../environment.yml"
    params:
        convnet=of_pictured_cell(convnet_settings),
        version=of_pictured_cell(version_of_handwriting),
        script=path_of("draw_examples.py"),
        code=code_version("draw_examples.py"),
    message:
        "Draw a document of every kind of study {wildcards.study}"
    shell:
        "python {params.script} --documents {input.documents} --settings {params.convnet:q}"
        " --figures {output} --log {log}"


# A page on which all studies of the configuration can be compared.
rule plot_studies:
    input:
        effects=expand(
            "<results>/tables/{study}/effects.parquet", study=list(settings.studies)
        ),
        style=str(REPOSITORY / "scripts/metaocl/figures/style.mplstyle"),
    output:
        report(
            multiext("<results>/figures/studies", ".pdf", ".svg", ".png"),
            caption="../report/studies.rst",
            category="Figures",
        ),
    log:
        "<logs>/plot_studies.log",
    benchmark:
        "<benchmarks>/plot_studies.tsv"
    conda:
        "../../environment.yml"
    params:
        effects=" ".join(
            f"{study}={settings.pathvars.results}/tables/{study}/effects.parquet"
            for study in settings.studies
        ),
        script=path_of("plot_studies.py"),
        code=code_version("plot_studies.py"),
    message:
        "Plot the gaps of all studies"
    shell:
        "python {params.script} --effects {params.effects} --figures {output} --log {log}"


rule plot_hypotheses:
    input:
        findings="<results>/tables/hypotheses.csv",
        style=str(REPOSITORY / "scripts/metaocl/figures/style.mplstyle"),
    output:
        report(
            multiext("<results>/figures/hypotheses", ".pdf", ".svg", ".png"),
            caption="../report/hypotheses_figure.rst",
            category="Hypotheses",
        ),
    log:
        "<logs>/plot_hypotheses.log",
    benchmark:
        "<benchmarks>/plot_hypotheses.tsv"
    conda:
        "../../environment.yml"
    params:
        script=path_of("plot_hypotheses.py"),
        code=code_version("plot_hypotheses.py"),
    message:
        "Plot what was found of each hypothesis"
    shell:
        "python {params.script} --findings {input.findings} --figures {output} --log {log}"
