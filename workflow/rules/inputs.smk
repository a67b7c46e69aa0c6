# Needs: the settings. Makes: what rules read, as functions of wildcards (files), and what tells other content of the user's own.

import json

from metaocl.errors import UserError
from metaocl.planning.cells import axis_values, first_with_facts_of, pictured_cell
from metaocl.planning.inputs import (
    handwriting_files,
    handwriting_version,
    model_files,
    model_version,
    source_files,
    source_version,
    with_handwriting_at,
)
from metaocl.planning.judging import judged_files, judged_studies
from metaocl.planning.places import (
    FETCHED_HANDWRITING,
    RESULTS,
    STAGE,
    aliases_folder,
    model_before,
)


def told_in_one_line(kind):
    """Makes functions of wildcards, about an entry of that kind, end Snakemake with the message of a mistake in one line;
    Snakemake would print a traceback."""

    def telling(ask):
        def answer(wildcards):
            try:
                return ask(wildcards)
            except UserError as error:
                entry = f"{kind}s.{getattr(wildcards, kind)}"
                sys.exit(f"error: {CONFIG_FILE}: {entry}: {error}")

        return answer

    return telling


@told_in_one_line("dataset")
def source_data(wildcards):
    """The public files of a data set: the user's own, or the one that is fetched."""
    return (
        source_files(settings.datasets[wildcards.dataset].source)
        or rules.fetch_data.output
    )


def facts_data(wildcards):
    """What a source reads; nothing if its data come with a Python package."""
    kind = settings.datasets[wildcards.dataset].source.kind
    if kind == "trex":
        return rules.tabulate_trex.output.triples
    return source_data(wildcards) if kind in ("cvdb", "table") else []


def named_data(wildcards, input):
    """What the command of a job names of that: the folder of a table that has one, and not each of its files."""
    source = settings.datasets[wildcards.dataset].source
    return source.path if source.kind == "table" and source.path else input.data


@told_in_one_line("dataset")
def version_of_data(wildcards):
    """A parameter that no command uses: what changes with the data that a source reads."""
    return source_version(settings.datasets[wildcards.dataset].source)


@told_in_one_line("model")
def pretrained_files(wildcards):
    """The user's own files that a pretrained model is read from."""
    return model_files(settings.models[wildcards.model].pretrained)


@told_in_one_line("model")
def version_of_pretrained(wildcards):
    """A parameter that no command uses: what changes with the weights that a pretrained model is read from."""
    return model_version(settings.models[wildcards.model].pretrained)


def new_model_settings(wildcards):
    """The settings of a model with new weights, as JSON, without what its stages alone look at."""
    model = settings.models[wildcards.model]
    return canonical_json(model.model_copy(update={"gradient_checkpointing": False}))


@told_in_one_line("model")
def files_of_handwriting(wildcards):
    """The files that a network of images has its digits from: the user's own, or those that are fetched."""
    handwriting = settings.models[wildcards.model].convnet.handwriting
    return handwriting_files(
        handwriting, FETCHED_HANDWRITING.format(model=wildcards.model)
    )


def url_of_handwriting(wildcards):
    """Where a file of handwriting is fetched."""
    folder = settings.models[wildcards.model].convnet.handwriting.url
    return f"{folder.rstrip('/')}/{wildcards.file}"


@told_in_one_line("model")
def version_of_handwriting(wildcards):
    """A parameter that no command uses: what changes with the digits that a network of images reads."""
    return handwriting_version(settings.models[wildcards.model].convnet.handwriting)


def convnet_settings(wildcards):
    """The settings of a network of images, as JSON; of handwriting that is fetched they name the folder."""
    fetched = FETCHED_HANDWRITING.replace(RESULTS, settings.pathvars.results).format(
        model=wildcards.model
    )
    return canonical_json(
        with_handwriting_at(settings.models[wildcards.model].convnet, fetched)
    )


STUDIES_OF_IMAGES = [
    name for name, study in settings.studies.items() if pictured_cell(study, settings)
]


def of_pictured_cell(ask):
    """A function of a study's wildcards: what `ask` says of the cell of which pictures are drawn."""
    return lambda wildcards: ask(
        pictured_cell(settings.studies[wildcards.study], settings)
    )


def cell_documents(cell):
    """The documents of both stages of a cell."""
    folder = aliases_folder(cell)
    return [f"{RESULTS}/{place}/documents.parquet" for place in (folder.parent, folder)]


def previous_model(wildcards):
    """The model that a stage starts from."""
    number = int(getattr(wildcards, "stage", len(plan_stages(wildcards))))
    branch_of = settings.plans[wildcards.plan].branch_of
    facts_of = first_with_facts_of(wildcards.dataset, settings)
    return model_before(
        number, settings.models[wildcards.model], branch_of, dataset=facts_of
    )


# By whether a model reads images: the script that trains it, and the version of its code. What one of them alone reaches
# may be edited, and the models of the other need not be trained again.
TRAINING = {
    False: (path_of("train_stage.py"), code_version("train_stage.py")),
    True: (
        path_of("train_stage_on_images.py"),
        code_version("train_stage_on_images.py"),
    ),
}


def training_of(wildcards):
    return TRAINING[settings.models[wildcards.model].convnet is not None]


def training_script(wildcards, input):
    """The script that trains the stages of the wildcard's model, as a command names it."""
    return training_of(wildcards)[0](wildcards, input)


def training_code(wildcards):
    """The version of that script's code."""
    return training_of(wildcards)[1]


def last_documents(wildcards):
    """What the last stage reads; definitions with every tag where it trains with others than those drawn."""
    folder = f"{RESULTS}/documents/{{dataset}}/{{define_type}}/seed{{seed}}"
    files = [
        f"{folder}/documents.parquet",
        f"{folder}/stage2_seed{{stage2_seed}}/documents.parquet",
    ]
    if settings.plans[wildcards.plan].is_tagged_otherwise:
        files.append(f"{folder}/stage2_seed{{stage2_seed}}/counterfactuals.parquet")
    return files


def measurements_of(kind):
    """A pattern of the measurements of a kind that the configuration has."""
    names = [
        name for name, entry in settings.measurements.items() if entry.kind == kind
    ]
    return "|".join(map(re.escape, names)) or "(?!)"


def snapshots_of_last_stage(wildcards):
    """The models along the last stage, if it keeps some."""
    kept_ones = plan_stages(wildcards)[-1].snapshots
    return f"{STAGE}/stage2_seed{{stage2_seed}}/snapshots" if kept_ones else []


def files_judged(kind):
    """The files of claims, or of hypotheses."""
    return judged_files(kind, settings, REPOSITORY)


@cache
def studies_judging(kind):
    """The studies that test the claims, or the hypotheses."""
    return judged_studies(kind, files_judged(kind), settings)


def gaps_judged(kind):
    """The gaps of these studies, as files."""
    return lambda wildcards: expand(
        f"{RESULTS}/tables/{{study}}/gaps.parquet", study=studies_judging(kind)
    )


def gaps_by_study(kind):
    """The gaps of these studies, as a command names them."""
    place = f"{settings.pathvars.results}/tables"
    return lambda wildcards: [
        f"{study}={place}/{study}/gaps.parquet" for study in studies_judging(kind)
    ]


def axes_judged(kind):
    """Where the cells of those among them that have an axis lie on it, as JSON."""
    return lambda wildcards: json.dumps(
        {
            study: axis_values(settings.studies[study], settings)
            for study in studies_judging(kind)
            if settings.studies[study].axis
        },
        sort_keys=True,
    )
