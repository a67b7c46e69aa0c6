"""Print how far the studies of a configuration are: what is done, started and failed, and how long the rest takes."""

from __future__ import annotations

import re
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from statistics import mean

sys.path.insert(0, str(Path(__file__).parents[1]))

from metaocl.commands import command_parser, run_command
from metaocl.config.configuration import Config
from metaocl.config.handwriting import IDX_FILES
from metaocl.config.layers import load_config
from metaocl.planning.cells import first_with_facts_of, study_cells
from metaocl.planning.places import RESULTS, first_model
from metaocl.planning.targets import study_runs

COUNTED = ("base model", "stage", "measurement")  # kinds of jobs that take long, and are counted one by one

# What makes the first model of a cell, by the folder in which that lies.
FIRST_MODELS = {
    "pretrained_models": "prepare_model",
    "base_models": "train_base_model",
    "random_models": "initialize_model",
    "convnets": "initialize_convnet",
}

# All other jobs: what they leave in <results>/, and their logs in <results>/logs/. One that a study does not need has
# neither.
DOCUMENTS = "{dataset}/{define_type}/seed{seed}"
NEW_DOCUMENTS = DOCUMENTS + "/stage2_seed{stage2_seed}"
OTHERS = {
    "downloads/{dataset}/data": "fetch_data/{dataset}",
    "facts/{dataset}/triples.parquet": "tabulate_trex/{dataset}",
    "facts/{dataset}/facts.parquet": "extract_facts/{dataset}",
    "facts/{dataset}/guessability.csv": "measure_guessability/{dataset}",
    **{f"downloads/{{model}}/{file}": f"fetch_handwriting/{{model}}/{file}" for file in IDX_FILES},
    f"documents/{DOCUMENTS}/documents.parquet": f"write_documents/{DOCUMENTS}",
    f"documents/{NEW_DOCUMENTS}/documents.parquet": f"write_new_definitions/{NEW_DOCUMENTS}",
    f"documents/{NEW_DOCUMENTS}/counterfactuals.parquet": f"write_counterfactuals/{NEW_DOCUMENTS}",
    "tables/{study}/metrics.parquet": "collect_metrics/{study}",
    "tables/{study}/effects.parquet": "estimate_effects/{study}",
    "tables/{study}/alias_relations.csv": "relate_aliases/{study}",
    "figures/{study}/training_curves.png": "plot_training_curves/{study}",
    "figures/{study}/gaps.png": "plot_gaps/{study}",
    "figures/{study}/relations.png": "plot_relations/{study}",
    "figures/{study}/examples.png": "draw_examples/{study}",
    "summaries/{study}.md": "write_summary/{study}",
    "tracking/{study}": "export_tracking/{study}",
    "pages/{study}.html": "write_page/{study}",
    "archives/{study}.zip": "archive_study/{study}",
    "figures/studies.png": "plot_studies",
    "figures/hypotheses.png": "plot_hypotheses",
    "summaries/claims.md": "judge_claims",
    "summaries/hypotheses.md": "judge_hypotheses",
}

# What a log says of a failure: a message, or the exception behind a traceback. A job outlives the exceptions that are
# named first, so they have no group.
FAILURE = re.compile(
    r"^(?:Exception (?:ignored )?in\b.*|--- Logging error ---)\nTraceback .*\n(?:[ \t].*\n)*.*"
    r"|^Traceback \(most recent call last\):\n(?:[ \t].*\n)*(?P<raised>\S.*)"
    r"|^(?P<said>(?:\w+\.py: )?error: .*|Fatal Python error.*|  what\(\): .*|Killed\b.*|.*\boom_kill\b.*)",
    re.MULTILINE,
)
# What Snakemake's own log says of a job that could say nothing itself: log, end and time. One that is asked to end, as
# by Ctrl-C, was stopped.
KILL = re.compile(
    r"^Command '.* --log ([^\s']+).*'"
    r" (died with <Signals\.SIG(?!INT|TERM)\w+: \d+>|returned non-zero exit status 137)\.\n\[(.+)\]$",
    re.MULTILINE,
)

NOTES = """\
Started and failed count all jobs: downloads, facts, first models, documents, tables, figures and verdicts, too.
A job that is started runs, or was stopped; or Slurm has ended it, and has not started it again.
Minutes left: of training and measuring, one job at a time; each as long as those of its data, model and plan, or as all
of its kind. Unknown (?) while none of a kind is done.
Done says that a job's files are there; whether an edit has outdated them, `snakemake -n` says."""


@dataclass(frozen=True)
class Job:
    """One of a study's: its kind, what it leaves when done, where its log and its benchmark lie.

    like: what it has in common with those that take about as long, as they differ in seed and define type alone.
    """

    kind: str
    like: tuple[str, ...]
    made: Path
    log: Path
    benchmark: Path

    @property
    def state(self) -> str:
        if self.made.exists():
            return "done"
        if not self.log.exists():
            return "left"
        # One that has said nothing of a failure, and was not killed, runs or was stopped.
        return "failed" if self.failure else "started"

    @property
    def failure(self) -> str | None:
        """What its log, or Snakemake's, says of why it failed; a job that is started again begins its log anew."""
        text = self.log.read_text(encoding="utf-8", errors="replace")
        found = [match for match in FAILURE.finditer(text) if match.lastgroup]
        if found:
            why = found[-1][found[-1].lastgroup or 0].strip()
            return None if why.startswith("KeyboardInterrupt") else why
        when, how = kills().get(self.log, (0.0, None))
        return how if when >= int(self.log.stat().st_mtime) else None

    @property
    def seconds(self) -> float | None:
        """Wall time that it took, as Snakemake measured it."""
        if not self.benchmark.exists():
            return None
        return float(self.benchmark.read_text(encoding="utf-8").split("\n")[1].split("\t")[0])


@cache
def kills() -> dict[Path, tuple[float, str]]:
    """When each log's job was last killed on this machine, and how, as the logs of Snakemake have it."""
    found: dict[Path, tuple[float, str]] = {}
    for file in sorted(Path(".snakemake/log").glob("*.log")):
        for log, how, when in KILL.findall(file.read_text(encoding="utf-8", errors="replace")):
            found[Path(log)] = (time.mktime(time.strptime(when)), f"its command {how}")
    return found


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("config", type=Path, nargs="?", default=Path("config/config.yaml"), help="configuration file")
    arguments = parser.parse_args()

    config = load_config(arguments.config)
    studies = {
        name: [*first_models(name, config), *runs(name, config), *others(name, config)] for name in config.studies
    }
    every = list(dict.fromkeys(job for found in studies.values() for job in found))
    columns = "".join(f"{f'{kind}s':>14}" for kind in COUNTED)
    print(f"{'':<24}{columns}{'started':>9}{'failed':>8}{'minutes left':>14}")
    for name, found in [*studies.items(), *([("all, shared ones once", every)] if len(studies) > 1 else [])]:
        states = [(job.kind, job.state) for job in found]
        counts = "".join(f"{_done(kind, states):>14}" for kind in COUNTED)
        started, failed = (sum(state == each for _, state in states) for each in ("started", "failed"))
        print(f"{name:<24}{counts}{started:>9}{failed:>8}{time_left(found, every):>14}")
    print(NOTES)
    for job in every:
        if job.state == "failed":
            print(f"failed: {job.log}: {job.failure}")


def _done(kind: str, states: list[tuple[str, str]]) -> str:
    """How many of a kind are done, and how many there are."""
    of_kind = [state for each, state in states if each == kind]
    return f"{of_kind.count('done')}/{len(of_kind)}" if of_kind else "–"


def first_models(study: str, config: Config) -> Iterator[Job]:
    """The jobs that make the models that the cells of a study start from, each once."""
    folders: dict[Path, None] = {}
    for cell in study_cells(config.studies[study]):
        pattern = first_model(config.models[cell.model], first_with_facts_of(cell.dataset, config))
        folders[Path(pattern.format(model=cell.model, seed=cell.seed)).relative_to(RESULTS).parent] = None
    for folder in folders:
        kept_in, *tail = folder.parts
        kind = "base model" if kept_in == "base_models" else "other"
        yield _job(kind, config, folder / "run.json", "/".join([FIRST_MODELS[kept_in], *tail]), tuple(tail[:2]))


def runs(study: str, config: Config) -> Iterator[Job]:
    """The stages of a study and its measurements, each once."""
    for made in (Path(file).relative_to(RESULTS) for file in study_runs(study, config)):
        if made.parts[0] != "stages":
            continue  # aliases, which are among the others
        data, _, architecture, plan, *_ = tail = made.parts[1:-1]
        if tail[-1] == "measurements":
            rule, what = f"measure_{config.measurements[made.stem].kind}", made.stem
            tail = (*tail[:-1], what)
        else:
            is_last = tail[-1].startswith("stage2_seed")
            rule, what = ("train_last_stage", "last") if is_last else ("train_stage", tail[-1])
        kind = "measurement" if rule.startswith("measure_") else "stage"
        yield _job(kind, config, made, "/".join([rule, *tail]), (data, architecture, plan, what))


def others(study: str, config: Config) -> Iterator[Job]:
    """The jobs of a study that do not take long, each once."""
    found: dict[str, str] = {}
    for cell in study_cells(config.studies[study]):
        wildcards = {"study": study} | asdict(cell)
        found |= {made.format(**wildcards): log.format(**wildcards) for made, log in OTHERS.items()}
    for made, log in found.items():
        yield _job("other", config, Path(made), log, ())


def _job(kind: str, config: Config, made: Path, log: str, like: tuple[str, ...]) -> Job:
    results = Path(config.pathvars.results)
    return Job(kind, (kind, *like), results / made, results / f"logs/{log}.log", results / f"benchmarks/{log}.tsv")


def time_left(jobs: list[Job], every: list[Job]) -> str:
    """Minutes, in words; unknown while nothing of a kind is done."""
    measured: defaultdict[tuple[str, ...], list[float]] = defaultdict(list)
    for job in every:
        if (took := job.seconds) is not None:
            for alike in (job.like, (job.kind,)):
                measured[alike].append(took)
    left = [job for job in jobs if job.kind in COUNTED and job.state != "done"]
    known = [measured[job.like] or measured[job.kind,] for job in left]
    return f"{sum(map(mean, known)) / 60:,.0f}" if all(known) else "?"


if __name__ == "__main__":
    run_command(main)
