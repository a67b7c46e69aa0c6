"""One cell run by the workflow and by the plain way in turns: what each took, and whether their answers agree."""

from __future__ import annotations

import csv
import json
import shutil
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from processes import Usage, run
from project import copy_project

from metaocl.config.configuration import Config
from metaocl.config.layers import read_config
from metaocl.config.parsing import parse_config
from metaocl.design.cells import Cell
from metaocl.planning.cells import study_cells
from metaocl.planning.places import aliases_folder, stage_folders

HERE = Path(__file__).parent
ROW = ["stage", "epoch", "test_set", "subset"]


@dataclass(frozen=True)
class Work:
    """A study of one cell; `length` is the tokens to which the plain way pads training examples."""

    title: str
    config: Path
    study: str
    length: int
    needs_gpu: bool = False


@dataclass(frozen=True)
class Place:
    """A copy of the project in which a cell is run, and where its files are."""

    project: Path
    config: Config
    study: str
    cell: Cell

    @property
    def results(self) -> Path:
        return self.project / "results"

    @property
    def first_model(self) -> Path:
        if self.config.models[self.cell.model].pretrained:
            return self.results / "pretrained_models" / self.cell.model / "model"
        seed = f"seed{self.cell.seed}"
        return self.results / "random_models" / self.cell.dataset / self.cell.model / seed / "model"

    @property
    def stages(self) -> list[Path]:
        """The folder of each stage, from the results."""
        return stage_folders(self.cell, len(self.config.plans[self.cell.plan].stages))

    @property
    def threads(self) -> int:
        return self.config.models[self.cell.model].threads

    def snakemake(self, target: str, config: str = "work.yaml") -> Usage:
        command = [sys.executable, "-m", "snakemake", "--configfile", config, "--cores", self.threads, target]
        return run(command, self.project, self.project / "snakemake.log")


@dataclass
class Side:
    """What one run of a cell took. Seconds of training, evaluation and answers are summed over its stages.

    evaluate_seconds: answers, and for the plain way losses of the test splits. startup_seconds: all else that a
    training process did, on average. overhead_seconds: what Snakemake needed beside its jobs. further_seconds: what the
    same cell with a second stage-2 seed then takes; the plain way begins anew.
    """

    usage: Usage
    train_seconds: float
    evaluate_seconds: float
    answer_seconds: float
    startup_seconds: float
    further_seconds: float
    overhead_seconds: float = 0.0


def compare(work: Work, folder: Path, repeats: int) -> dict[str, Any]:
    """Have a work done by both sides in turns; what each took, and their metrics."""
    place = prepare(work, folder)
    peaks, pairs = [measure_peak(place.threads)["operations"]], []
    for repeat in range(repeats):
        sides = [("workflow", run_workflow), ("plain", run_plain)]
        if repeat % 2:
            # Who begins changes, lest one side always finds the quieter machine.
            sides.reverse()
        pairs.append({name: asdict(run_side(place, work)) for name, run_side in sides})
        print(f"{work.title}: {repeat + 1} of {repeats}", file=sys.stderr)
    peaks.append(measure_peak(place.threads)["operations"])
    plain = json.loads((place.project / "plain/run.json").read_text())
    return {
        "title": work.title,
        "threads": place.threads,
        "peak_operations": max(peaks),
        "parameters": plain["parameters"],
        **{key: sum(stage[key] for stage in plain["stages"]) for key in ("steps", "tokens", "sweeps")},
        "pairs": pairs,
        "agreement": compare_metrics(place),
    }


def measure_peak(threads: int) -> dict[str, Any]:
    """What peak.py says of the device."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "peak.json")
        run([sys.executable, HERE / "peak.py", threads], Path(folder), log)
        return json.loads(log.read_text().splitlines()[-1])


def prepare(work: Work, folder: Path) -> Place:
    """A copy of the project in which the pretrained model, which is no part of the work, is prepared."""
    folder.mkdir()
    project = copy_project(folder)
    raw = read_config(work.config) | {"study": work.study, "pathvars": {"results": "results"}}
    (project / "work.yaml").write_text(yaml.safe_dump(raw))
    further = raw["studies"][work.study] | {"stage2_seeds": [0, 1]}
    (project / "further.yaml").write_text(yaml.safe_dump(raw | {"studies": {work.study: further}}))
    config = parse_config(raw, str(work.config))
    (cell,) = study_cells(config.studies[work.study])
    place = Place(project, config, work.study, cell)
    if (pretrained := config.models[cell.model].pretrained) and pretrained.folder:
        tokenizer = "results/pretrained_models/smollm2-135m/model"
        place.snakemake(tokenizer)
        run([sys.executable, HERE / "neox.py", tokenizer, pretrained.folder], project, project / "neox.log")
    if pretrained:
        place.snakemake(f"results/pretrained_models/{cell.model}/model")
    return place


def run_workflow(place: Place, _: Work) -> Side:
    """From the configuration to the table of metrics, as a user calls it."""
    for made in place.results.glob("*"):
        if made.name != "pretrained_models":
            shutil.rmtree(made)
    table = f"results/tables/{place.study}/metrics.parquet"
    usage = place.snakemake(table)
    jobs = {path: job_seconds(path) for path in (place.results / "benchmarks").rglob("*.tsv")}
    measured = [json.loads((place.results / stage / "run.json").read_text())["measured"] for stage in place.stages]
    train, evaluate = (sum(stage[key] for stage in measured) for key in ("train_seconds", "evaluate_seconds"))
    training_jobs = sum(seconds for path, seconds in jobs.items() if "/train_" in str(path))
    startup = (training_jobs - train - evaluate) / len(measured)
    further = place.snakemake(table, config="further.yaml").seconds
    return Side(usage, train, evaluate, evaluate, startup, further, usage.seconds - sum(jobs.values()))


def run_plain(place: Place, work: Work) -> Side:
    """From the workflow's first model and documents to metrics."""
    documents = place.results / "documents" / place.cell.dataset / place.cell.define_type / f"seed{place.cell.seed}"
    options = {
        "--initial-model": place.first_model,
        "--documents": documents / "documents.parquet",
        "--new-documents": place.results / aliases_folder(place.cell) / "documents.parquet",
        "--plan": place.config.plans[place.cell.plan].model_dump_json(),
        "--threads": place.threads,
        "--length": work.length,
        "--folder": "plain",
    }
    command = [sys.executable, HERE / "plain.py", "--seeds", place.cell.seed, place.cell.stage2_seed]
    for option in options.items():
        command += option
    usage = run(command, place.project, place.project / "plain.log")
    stages = json.loads((place.project / "plain/run.json").read_text())["stages"]
    train, losses, answers = (sum(stage[f"{key}_seconds"] for stage in stages) for key in ("train", "loss", "answer"))
    startup = usage.seconds - train - losses - answers
    return Side(usage, train, losses + answers, answers, startup, further_seconds=usage.seconds)


def job_seconds(benchmark: Path) -> float:
    """The wall time that Snakemake measured of a job."""
    with benchmark.open() as file:
        (row,) = csv.DictReader(file, delimiter="\t")
    return float(row["s"])


def compare_metrics(place: Place) -> dict[str, Any]:
    """How many figures of exact match are equal, a figure for each epoch, test set and subset; and those at the end."""
    table = pd.concat(
        [
            pd.read_parquet(place.results / stage / "metrics.parquet").assign(stage=number)
            for number, stage in enumerate(place.stages, start=1)
        ]
    ).astype({"test_set": str, "subset": str})
    table["right"] = table["exact_match"] * table["questions"]
    ours = table.groupby(ROW)[["right", "questions"]].sum()
    plain = pd.read_csv(place.project / "plain/metrics.csv").rename(columns={"part": "test_set"}).set_index(ROW)
    plain["right"] = plain["exact_match"] * plain["questions"]
    apart = ((ours["right"] - plain["right"]) / ours["questions"]).abs()
    if apart.isna().any():
        sys.exit("the two sides did not ask the same questions")
    last = ours.index[-1][:2]
    end = pd.DataFrame({"workflow": ours.loc[last]["right"], "plain": plain.sort_index().loc[last]["right"]})
    questions = ours.loc[last]["questions"].groupby("test_set").sum()
    return {
        "figures": len(apart),
        "equal": int((apart < 1e-9).sum()),
        "largest_difference": float(apart.max()),
        "end": end.groupby("test_set").sum().div(questions, axis="index").assign(questions=questions).to_dict("index"),
    }
