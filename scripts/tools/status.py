"""Print how far the studies of a configuration are: base models and stages that are done, started, failed and left."""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

sys.path.insert(0, str(Path(__file__).parents[1]))

from metaocl.commands import command_parser, run_command
from metaocl.config.configuration import Config
from metaocl.config.layers import load_config
from metaocl.planning.cells import first_with_facts_of, study_cells
from metaocl.planning.places import RESULTS, first_model
from metaocl.planning.targets import study_runs


@dataclass(frozen=True)
class Job:
    """One that trains, or makes the facts: its kind, what it leaves when done, where its log and its benchmark lie.

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
        # A job that failed has said so last; one that has said nothing of the kind runs, or was stopped.
        return "failed" if re.match(r"error: |[\w.]*Error\b", self.last_words) else "started"

    @property
    def last_words(self) -> str:
        """The last line of its log that says something; of a progress bar, as it stood last."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    @property
    def seconds(self) -> float | None:
        """Wall time that it took, as Snakemake measured it."""
        if not self.benchmark.exists():
            return None
        return float(self.benchmark.read_text(encoding="utf-8").split("\n")[1].split("\t")[0])


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("config", type=Path, nargs="?", default=Path("config/config.yaml"), help="configuration file")
    arguments = parser.parse_args()

    config = load_config(arguments.config)
    studies = {name: [*facts(name, config), *trainings(name, config)] for name in config.studies}
    every = list(dict.fromkeys(job for found in studies.values() for job in found))
    print(f"{'':<24}{'base models':>12}{'stages':>12}{'started':>9}{'failed':>8}{'minutes left':>14}")
    for name, found in [*studies.items(), *([("all, shared ones once", every)] if len(studies) > 1 else [])]:
        states = [(job.kind, job.state) for job in found]
        counts = [
            f"{states.count((kind, 'done'))}/{len(of_kind)}" if of_kind else "–"
            for kind in ("base model", "stage")
            for of_kind in [[state for state in states if state[0] == kind]]
        ]
        started, failed = (sum(state == each for _, state in states) for each in ("started", "failed"))
        print(f"{name:<24}{counts[0]:>12}{counts[1]:>12}{started:>9}{failed:>8}{time_left(found, every):>14}")
    print("Started and failed count the making of facts, too. A job that is started runs, or was stopped.")
    print("Minutes left: of training, one job at a time; each as long as those of its data, model and plan, or as all.")
    print("Done says that a job's files are there; whether an edit has outdated them, `snakemake -n` says.")
    for job in every:
        if job.state == "failed":
            print(f"failed: {job.log}: {job.last_words}")


def facts(study: str, config: Config) -> Iterator[Job]:
    """The jobs that make the facts of a study."""
    results = Path(config.pathvars.results)
    for dataset in config.studies[study].datasets:
        made, tail = Path(f"facts/{dataset}/facts.parquet"), Path(dataset)
        yield _job("facts", results, made, "extract_facts", tail, tail.parts)


def trainings(study: str, config: Config) -> Iterator[Job]:
    """The jobs of a study that train, each once."""
    results = Path(config.pathvars.results)
    models: dict[Path, None] = {}
    for cell in study_cells(config.studies[study]):
        if config.models[cell.model].base_training:
            pattern = first_model(config.models[cell.model], first_with_facts_of(cell.dataset, config))
            models[Path(pattern.format(model=cell.model, seed=cell.seed)).parent] = None
    for model in models:
        place = model.relative_to(RESULTS)
        tail = place.relative_to("base_models")
        yield _job("base model", results, place / "run.json", "train_base_model", tail, tail.parts[:2])
    for metrics in study_runs(study, config):
        place = Path(metrics).relative_to(RESULTS)
        if place.name == "metrics.parquet" and place.parts[0] == "stages":
            tail = place.parent.relative_to("stages")
            is_last = tail.name.startswith("stage2_seed")
            data, _, architecture, plan, *_ = tail.parts
            like = (data, architecture, plan, "last" if is_last else tail.name)
            yield _job("stage", results, place, "train_last_stage" if is_last else "train_stage", tail, like)


def _job(kind: str, results: Path, made: Path, rule: str, tail: Path, like: tuple[str, ...]) -> Job:
    log, benchmark = results / f"logs/{rule}/{tail}.log", results / f"benchmarks/{rule}/{tail}.tsv"
    return Job(kind, (kind, *like), results / made, log, benchmark)


def time_left(jobs: list[Job], every: list[Job]) -> str:
    """Minutes, in words; unknown while nothing of a kind is done."""
    measured: defaultdict[tuple[str, ...], list[float]] = defaultdict(list)
    for job in every:
        if (took := job.seconds) is not None:
            for alike in (job.like, (job.kind,)):
                measured[alike].append(took)
    left = [job for job in jobs if job.kind != "facts" and job.state != "done"]
    known = [measured[job.like] or measured[job.kind,] for job in left]
    return f"{sum(map(mean, known)) / 60:,.0f}" if all(known) else "?"


if __name__ == "__main__":
    run_command(main)
